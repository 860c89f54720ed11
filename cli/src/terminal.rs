//! The terminal that a command elsewhere is given: its keys as they are pressed, and its size.

use std::os::fd::AsFd;

use rhumb_backend::TerminalSize;

/// A standard stream, unbuffered, for who reads or writes bytes without waiting in line.
///
/// # Errors
/// When the process has it closed, or no room for another descriptor.
pub(crate) fn standard(stream: impl AsFd) -> std::io::Result<tokio::fs::File> {
    let own = stream.as_fd().try_clone_to_owned()?;
    Ok(tokio::fs::File::from_std(std::fs::File::from(own)))
}

/// A terminal whose keys go through as they are pressed. It is as before once this is dropped.
#[derive(Debug)]
pub(crate) struct Raw {
    before: rustix::termios::Termios,
}

impl Raw {
    /// Lets the keys of standard input through.
    ///
    /// # Errors
    /// When standard input is no terminal.
    pub(crate) fn enter() -> std::io::Result<Self> {
        let stdin = rustix::stdio::stdin();
        let before = rustix::termios::tcgetattr(stdin)?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(stdin, rustix::termios::OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let now = rustix::termios::OptionalActions::Flush;
        // A terminal that is gone needs no care.
        let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), now, &self.before);
    }
}

/// The size of the terminal that standard output is; none when it is none.
pub(crate) fn size() -> Option<TerminalSize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some(TerminalSize { width: size.ws_col, height: size.ws_row })
}

/// Sends the terminal's size, now and whenever it changes.
pub(crate) async fn tell_size(to: tokio::sync::mpsc::Sender<TerminalSize>) {
    let Ok(mut changes) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())
    else {
        return;
    };
    loop {
        if let Some(size) = size()
            && to.send(size).await.is_err()
        {
            return;
        }
        if changes.recv().await.is_none() {
            return;
        }
    }
}

/// Waits until somebody asks the process to end. A terminal must not be left as a command elsewhere wants it.
pub(crate) async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminated), Ok(mut hung_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
}
