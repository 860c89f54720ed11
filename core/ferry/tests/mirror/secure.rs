//! Real connections: who gets in, and when a helper ends.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rhumb_ferry::Access;
use rhumb_ferry::server::{Mounted, serve};
use rhumb_ferry::{Connection, Dial, End, Options, Run, settle, sync};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::place::{Place, options, seen};

struct Tcp(SocketAddr);

#[async_trait]
impl Dial for Tcp {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        Ok(Box::new(TcpStream::connect(self.0).await?))
    }
}

async fn helper(
    run: &Run,
    name: &str,
    place: &Place,
    idle: Duration,
) -> (Arc<Tcp>, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = run.helper(name).unwrap().server_config().unwrap();
    let mounted = Mounted { idle, ..(*place.mounted).clone() };
    (Arc::new(Tcp(address)), tokio::spawn(serve(listener, tls, mounted)))
}

const LONG: Duration = Duration::from_mins(1);

fn once() -> Options {
    Options { attempts: 1, ..options() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_goes_over_encrypted_connections() {
    let (source, destination) = (Place::new(Access::ReadOnly), Place::new(Access::ReadWrite));
    for index in 0..200 {
        fs::write(source.volume().join(format!("{index}")), format!("{index} ").repeat(index)).unwrap();
    }
    let run = Run::new(LONG).unwrap();
    let (from, _from) = helper(&run, "shop_db.source", &source, LONG).await;
    let (to, _to) = helper(&run, "shop_db.destination", &destination, LONG).await;
    let from = End::new("source", "data", Arc::new(run.dial("shop_db.source", from)));
    let to = End::new("destination", "data", Arc::new(run.dial("shop_db.destination", to)));
    assert!(settle(&from, &to, &once()).await.unwrap().comparison.is_equal());
    assert_eq!(seen(&source.volume()), seen(&destination.volume()));
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let place = Place::new(Access::ReadWrite);
    let (run, other) = (Run::new(LONG).unwrap(), Run::new(LONG).unwrap());
    let (address, _helper) = helper(&run, "one", &place, LONG).await;
    let end = |dial: Arc<dyn Dial>| End::new("one", "data", dial);
    let good = end(Arc::new(run.dial("one", Arc::clone(&address) as Arc<dyn Dial>)));
    sync(&good, &good, &once()).await.unwrap();
    // Somebody of another run; a helper under another name; somebody without any certificate.
    let strangers: [Arc<dyn Dial>; 3] = [
        Arc::new(other.dial("one", Arc::clone(&address) as Arc<dyn Dial>)),
        Arc::new(run.dial("two", Arc::clone(&address) as Arc<dyn Dial>)),
        address,
    ];
    for stranger in strangers {
        let stranger = end(stranger);
        let refused = sync(&stranger, &stranger, &once()).await.unwrap_err();
        assert!(refused.is_lost(), "{refused}");
    }
    sync(&good, &good, &once()).await.unwrap();
}

/// A helper's key is no key to another helper.
#[tokio::test]
async fn a_helper_cannot_pass_for_the_copier() {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    let place = Place::new(Access::ReadWrite);
    let run = Run::new(LONG).unwrap();
    let (address, _helper) = helper(&run, "one", &place, LONG).await;
    let identity = run.helper("two").unwrap();
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(identity.expose().as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.expose().as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificates[1].clone()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![certificates[0].clone()], key)
            .unwrap();
    let stream = TcpStream::connect(address.0).await.unwrap();
    let name = ServerName::try_from("xonex.ferry.invalid").unwrap();
    let connected = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    // In TLS 1.3 a client learns that it was refused when it first reads.
    let answered = match connected {
        Ok(mut stream) => {
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1]).await.is_ok_and(|read| read > 0)
        }
        Err(_) => false,
    };
    assert!(!answered);
}

#[tokio::test]
async fn a_helper_ends_when_nobody_has_been_there_for_a_while() {
    let place = Place::new(Access::ReadWrite);
    let run = Run::new(LONG).unwrap();
    let (address, serving) = helper(&run, "one", &place, Duration::from_millis(700)).await;
    let end = End::new("one", "data", Arc::new(run.dial("one", Arc::clone(&address) as Arc<dyn Dial>)));
    tokio::time::sleep(Duration::from_millis(400)).await;
    sync(&end, &end, &once()).await.unwrap();
    let since = Instant::now();
    // Strangers do not keep it alive.
    let knocking = tokio::spawn(async move {
        loop {
            let _ = address.dial().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    tokio::time::timeout(Duration::from_secs(10), serving).await.unwrap().unwrap().unwrap();
    knocking.abort();
    assert!(since.elapsed() >= Duration::from_millis(600), "{:?}", since.elapsed());
}
