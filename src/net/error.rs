//! The one error that crosses the boundary between the node and its users, in process and over the control socket.

use serde::{Deserialize, Serialize};

/// Kinds of failure; each has its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    Failed,
    Usage,
    NotFound,
    Verification,
    Network,
    NoNode,
    Permission,
    Disk,
}

impl ErrorKind {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Verification => 4,
            Self::Network => 5,
            Self::NoNode => 6,
            Self::Permission => 7,
            Self::Disk => 8,
        }
    }
}

/// What failed (`message`: what and where) and what to do next (`hint`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct NodeError {
    #[serde(rename = "code")]
    pub kind: ErrorKind,
    pub message: String,
    pub hint: Option<String>,
}

impl NodeError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same with what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<crate::market::MarketError> for NodeError {
    fn from(error: crate::market::MarketError) -> Self {
        use crate::market::error::MarketErrorKind as Kind;
        let kind = match error.kind() {
            Kind::Invalid | Kind::Damaged | Kind::Failed => ErrorKind::Failed,
            Kind::NotFound => ErrorKind::NotFound,
            Kind::Verification => ErrorKind::Verification,
            Kind::Permission => ErrorKind::Permission,
            Kind::Disk => ErrorKind::Disk,
        };
        Self { kind, message: error.to_string(), hint: error.hint() }
    }
}
