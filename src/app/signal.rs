//! The signals that end the process in good order.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::net::{ErrorKind, NodeError};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Interrupt,
    Terminate,
    HangUp,
}

impl Ending {
    /// What a shell reports of a process that this signal ended.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Waits for SIGINT, SIGTERM and SIGHUP.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// The system refuses, e.g. out of file descriptors.
    pub fn new() -> Result<Self, NodeError> {
        let listen = |kind| {
            signal(kind).map_err(|e| NodeError::new(ErrorKind::Failed, format!("cannot listen for signals: {e}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::Interrupt,
            _ = self.terminate.recv() => Ending::Terminate,
            _ = self.hang_up.recv() => Ending::HangUp,
        }
    }
}
