//! Errors of the lower layers as the one error that verbs end with.

use crate::config::{ConfigError, ConfigErrorKind};
use crate::net::{ErrorKind, NodeError};

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
