//! Who else has the store open: kernel locks on the blob folder, which leave no file behind.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::market::MarketError;
use crate::market::error::{Action, IoContext};

/// Shared by all that have the store open. Held alone, one may take away what looks like nobody's, and put another file in
/// the database's place.
pub struct Turn {
    dir: File,
    alone: bool,
}

impl Turn {
    /// Alone when nobody else has the store open; otherwise waits while somebody has it alone.
    pub fn take(dir: &Path) -> Result<Self, MarketError> {
        let handle = File::open(dir).at(Action::Read, dir)?;
        let mut turn = Self { dir: handle, alone: false };
        turn.try_alone()?;
        Ok(turn)
    }

    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Whether nobody else has the store open, and for as long as this turn is not shared, nobody can.
    pub fn try_alone(&mut self) -> Result<bool, MarketError> {
        self.alone = match flock(&self.dir, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => true,
            // A failed change of the lock has given the shared one up.
            Err(Errno::WOULDBLOCK) => {
                self.lock(FlockOperation::LockShared)?;
                false
            }
            Err(error) => return Err(cannot_lock(error)),
        };
        Ok(self.alone)
    }

    /// Lets others in.
    pub fn share(&mut self) -> Result<(), MarketError> {
        self.lock(FlockOperation::LockShared)?;
        self.alone = false;
        Ok(())
    }

    fn lock(&self, operation: FlockOperation) -> Result<(), MarketError> {
        loop {
            match flock(&self.dir, operation) {
                Err(Errno::INTR) => {}
                other => return other.map_err(cannot_lock),
            }
        }
    }
}

fn cannot_lock(error: Errno) -> MarketError {
    MarketError::Failed(format!("the blob folder cannot be locked: {error}"))
}
