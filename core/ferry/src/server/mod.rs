//! The helper's side: what it has mounted, for the copier of its run and for nobody else.

mod attributes;
mod change;
mod connection;
mod list;
mod read;
mod root;
mod upload;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::Access;

/// How long a caller may take to show who it is.
const HANDSHAKE: Duration = Duration::from_secs(20);
/// The most connections at one time, those of strangers included.
const CONNECTIONS: usize = 128;

/// What a helper has mounted, and how long it waits for somebody to ask.
#[derive(Clone, Debug)]
pub struct Mounted {
    /// In this folder there is one for each volume.
    pub volumes: PathBuf,
    /// In this folder there is a file for each secret.
    pub secrets: PathBuf,
    /// Whether volumes may be written to.
    pub access: Access,
    /// It ends when nobody was connected for this long, so that none is left behind by a copier that died.
    pub idle: Duration,
}

/// Serves connections until nobody was connected for [`Mounted::idle`].
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, tls: ServerConfig, mounted: Mounted) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let mounted = Arc::new(mounted);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Every connection holds a receiver; a message from it means that somebody known was there.
    let (known, mut presence) = watch::channel(());
    let known = Arc::new(known);
    let mut since = Instant::now();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Ok(()) = presence.changed() => {
                since = Instant::now();
                continue;
            }
            () = tokio::time::sleep_until(since + mounted.idle), if known.receiver_count() == 1 => return Ok(()),
        };
        // A connection that failed before it was accepted is its caller's matter.
        let Ok((stream, _)) = accepted else { continue };
        let (acceptor, mounted, known) = (acceptor.clone(), Arc::clone(&mounted), Arc::clone(&known));
        tokio::spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
            if let Ok(Ok(stream)) = shaken {
                let here = known.subscribe();
                let _ = known.send(());
                converse(stream, mounted).await;
                drop(here);
                let _ = known.send(());
            }
        });
    }
}

/// Answers one connection until it ends, breaks, or says nothing for [`Mounted::idle`].
pub async fn converse(stream: impl AsyncRead + AsyncWrite + Send + Unpin, mounted: Arc<Mounted>) {
    connection::Conversation::new(stream, mounted).run().await;
}
