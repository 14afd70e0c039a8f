//! Errors of the lower layers as the one error that verbs end with.

use crate::config::{ConfigError, ConfigErrorKind};
use crate::net::{self, ErrorKind, NodeError};

impl From<ConfigError> for NodeError {
    fn from(error: ConfigError) -> Self {
        let kind = match error.kind() {
            ConfigErrorKind::Invalid => ErrorKind::Usage,
            ConfigErrorKind::Permission => ErrorKind::Permission,
            ConfigErrorKind::Disk => ErrorKind::Disk,
        };
        Self::new(kind, error.to_string()).hint(error.hint())
    }
}

/// Wrong input on the command line.
pub fn usage(message: impl Into<String>) -> NodeError {
    NodeError::new(ErrorKind::Usage, message)
}

/// The error of a home whose lock is held while no control socket answers there: another command has a node of its own,
/// which cannot be used and will be gone. Any other error is given back as it is.
pub fn busy(error: NodeError) -> NodeError {
    if !net::is_held(&error) {
        return error;
    }
    let hint = "it belongs to another command, such as `publish --wait`: wait until that has ended, or end it";
    error.hint(hint)
}
