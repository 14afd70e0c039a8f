//! What can be wrong with the settings.

use std::io;
use std::path::{Path, PathBuf};

/// One line that names where, what and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// In a settings file; line and column count from 1.
    #[error("{}:{line}:{column}: {problem}", file.display())]
    InFile { file: PathBuf, line: usize, column: usize, problem: String },
    /// In a flag or an environment variable, or between settings.
    #[error("{origin}: {problem}")]
    Value { origin: String, problem: String },
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("no home directory is known: neither --home, nor $GGEN_HOME, nor $HOME is set")]
    NoHome,
}

/// Which exit code an error leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigErrorKind {
    /// Exit code 2.
    Invalid,
    Permission,
    Disk,
}

impl ConfigError {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }

    pub fn kind(&self) -> ConfigErrorKind {
        match self {
            Self::InFile { .. } | Self::Value { .. } | Self::NoHome => ConfigErrorKind::Invalid,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ConfigErrorKind::Permission,
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData => ConfigErrorKind::Invalid,
                _ => ConfigErrorKind::Disk,
            },
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::InFile { .. } => "correct that line, or take a default back with `ggen-p2p-tui config reset KEY`",
            Self::Value { .. } => "see docs/CONFIG.md or `ggen-p2p-tui config show --origin`",
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space on that file system",
                io::ErrorKind::NotADirectory => "choose a directory, or a new name: --home DIR or GGEN_HOME",
                _ => "check the path and its permissions, or choose another with --home",
            },
            Self::NoHome => "give one: --home DIR",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_its_exit_code_and_its_hint() {
        for (cause, kind, hint) in [
            (io::ErrorKind::PermissionDenied, ConfigErrorKind::Permission, "permissions"),
            (io::ErrorKind::ReadOnlyFilesystem, ConfigErrorKind::Permission, "permissions"),
            (io::ErrorKind::StorageFull, ConfigErrorKind::Disk, "free some space"),
            (io::ErrorKind::NotADirectory, ConfigErrorKind::Disk, "--home DIR"),
        ] {
            let error = ConfigError::io("write", Path::new("/x"), cause.into());
            assert_eq!(error.kind(), kind, "{cause}");
            assert!(error.hint().contains(hint), "{cause}: {}", error.hint());
        }
    }
}
