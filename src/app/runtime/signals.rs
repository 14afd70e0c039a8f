//! Signals that end the dashboard.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::app::event::Signal;
use crate::net::{ErrorKind, NodeError};

pub struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hang_up: Stream,
}

impl Signals {
    pub fn new() -> Result<Self, NodeError> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| NodeError::new(ErrorKind::Failed, format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::HangUp,
        }
    }
}
