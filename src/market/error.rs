//! What can go wrong in the domain.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Which exit code an error leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketErrorKind {
    /// Wrong input by the user (exit 2 or 1).
    Invalid,
    NotFound,
    Verification,
    Permission,
    Disk,
    /// Stored data is not as this program wrote it.
    Damaged,
    Failed,
}

/// What a path was being used for when an operation on it failed; reads as "cannot write /a/path".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Read,
    Write,
    Create,
    Remove,
    Rename,
    List,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::List => "list",
        })
    }
}

/// Why a release that is validly signed is not for this node now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// Published later than this computer's clock says it is.
    Future,
    Expired,
    /// Of another network.
    Network,
}

/// Each message names what failed and where; `hint()` says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// Input that cannot be taken as it is.
    #[error("{0}")]
    Invalid(String),
    /// Input that cannot be taken as it is, and what to write instead.
    #[error("{message}")]
    Refused { message: String, hint: String },
    /// A manifest that is not TOML. Line and column count from 1.
    #[error("{file}:{line}:{column}: not valid TOML: {message}")]
    Toml { file: String, line: usize, column: usize, message: String },
    /// Something that was asked for does not exist.
    #[error("{message}")]
    NotFound { message: String, hint: String },
    /// A release that is not to be believed.
    #[error("release refused: {0}")]
    Release(String),
    /// A release that is not for this node, or not now.
    #[error("release refused: {1}")]
    NotNow(NotNow, String),
    /// A package head that is not to be believed.
    #[error("head refused: {0}")]
    Head(String),
    /// A statement about a key that is not to be believed.
    #[error("key statement refused: {0}")]
    KeyStatement(String),
    /// An archive that is not what was signed.
    #[error("{what} does not match what the publisher signed: expected {expected}, got {got}")]
    Mismatch { what: String, expected: String, got: String },
    /// An archive whose content would not be safe to unpack.
    #[error("archive refused: {0}")]
    Archive(String),
    /// A release that is what its publisher signed, and yet not to be trusted here.
    #[error("{message}")]
    Untrusted { message: String, hint: String },
    /// A file or directory that may not be used, or that others could read.
    #[error("{message}")]
    Permission { message: String, hint: String },
    /// No space, or the device failed.
    #[error("no space left to {action} {}", path.display())]
    DiskFull { action: Action, path: PathBuf },
    /// Any other file system error.
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: Action, path: PathBuf, source: io::Error },
    /// The database refused an operation.
    #[error("database: {message}")]
    Database { message: String, kind: MarketErrorKind, hint: Option<String> },
    /// What should have worked and did not.
    #[error("{0}")]
    Failed(String),
}

impl MarketError {
    /// Which exit code this error leads to.
    pub fn kind(&self) -> MarketErrorKind {
        use MarketErrorKind as Kind;
        match self {
            Self::Invalid(_) | Self::Refused { .. } | Self::Toml { .. } => Kind::Invalid,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Release(_)
            | Self::NotNow(..)
            | Self::Head(_)
            | Self::KeyStatement(_)
            | Self::Mismatch { .. }
            | Self::Archive(_)
            | Self::Untrusted { .. } => Kind::Verification,
            Self::Permission { .. } => Kind::Permission,
            Self::DiskFull { .. } => Kind::Disk,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => Kind::NotFound,
            Self::Io { .. } => Kind::Disk,
            Self::Failed(_) => Kind::Failed,
            Self::Database { kind, .. } => *kind,
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { hint, .. }
            | Self::NotFound { hint, .. }
            | Self::Permission { hint, .. }
            | Self::Untrusted { hint, .. } => Some(hint.clone()),
            Self::Toml { file, line, .. } => Some(format!("correct line {line} of {file} and try again")),
            Self::NotNow(NotNow::Future, _) => Some("check this computer's clock".into()),
            Self::Release(_) | Self::NotNow(..) => Some("ask the publisher to publish it again".into()),
            Self::Head(_) | Self::KeyStatement(_) => Some("it was kept out; what was known before still holds".into()),
            Self::Mismatch { .. } => Some("fetch it again from another peer; nothing was installed".into()),
            Self::Archive(_) => Some("do not use this package; nothing was installed".into()),
            Self::DiskFull { path, .. } => {
                Some(format!("free some space on the file system of {} and try again", path.display()))
            }
            Self::Database { hint, .. } => hint.clone(),
            Self::Io { path, .. } => {
                Some(format!("look at what {} and the folders above it are, and try again", path.display()))
            }
            Self::Invalid(_) | Self::Failed(_) => None,
        }
    }

    /// An input/output error at `path`, sorted into full disk, missing permission and the rest.
    pub(crate) fn io(action: Action, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { action, path: path.to_path_buf() }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Permission {
                message: format!("cannot {action} {}: {source}", path.display()),
                hint: format!("check who owns {} and its permissions: ls -ld '{0}'", path.display()),
            },
            _ => Self::Io { action, path: path.to_path_buf(), source },
        }
    }
}

/// Adds to an `io::Result` what was done to which path.
pub(crate) trait IoContext<T> {
    fn at(self, action: Action, path: &Path) -> Result<T, MarketError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, action: Action, path: &Path) -> Result<T, MarketError> {
        self.map_err(|source| MarketError::io(action, path, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: io::ErrorKind) -> MarketError {
        MarketError::io(Action::Write, Path::new("/x/y"), io::Error::from(kind))
    }

    #[test]
    fn io_errors_are_sorted_by_cause() {
        assert_eq!(of(io::ErrorKind::StorageFull).kind(), MarketErrorKind::Disk);
        assert_eq!(of(io::ErrorKind::PermissionDenied).kind(), MarketErrorKind::Permission);
        assert_eq!(of(io::ErrorKind::NotFound).kind(), MarketErrorKind::NotFound);
        assert_eq!(of(io::ErrorKind::BrokenPipe).kind(), MarketErrorKind::Disk);
    }

    #[test]
    fn messages_name_the_path_and_hints_the_remedy() {
        let error = of(io::ErrorKind::StorageFull);
        assert_eq!(error.to_string(), "no space left to write /x/y");
        assert!(error.hint().is_some_and(|hint| hint.contains("/x/y")));
        let error = of(io::ErrorKind::PermissionDenied);
        assert!(error.hint().is_some_and(|hint| hint.contains("ls -ld '/x/y'")), "{:?}", error.hint());
    }
}
