//! Binding and connecting Unix sockets safely, wherever the home directory lies.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::super::error::{ErrorKind, NodeError};

/// Bytes of a path that fit `sockaddr_un` beside its closing zero: 108 on Linux, 104 on the BSDs and macOS.
const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Makes the listening socket at `path` with mode 0600, taking the place of a stale one.
///
/// The caller holds the node lock of the home, so a socket that is there belongs to a node that is gone. The socket is
/// bound under a temporary name, restricted and then renamed, so that nobody sees it with wider permissions.
///
/// # Errors
/// Something that is no socket lies at `path`; the directory cannot be written; the path is too long for a socket.
pub fn bind(path: &Path) -> Result<tokio::net::UnixListener, NodeError> {
    refuse_other_file(path)?;
    let temporary = path.with_extension("tmp");
    refuse_other_file(&temporary)?;
    let failed = |what: &str, error: io::Error| disk_error(what, path, &error);
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("replace", error)),
        _ => {}
    }
    let listener =
        with_short_path(&temporary, |short| tokio::net::UnixListener::bind(short)).map_err(|e| failed("create", e))?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o600)).map_err(|e| failed("restrict", e))?;
    std::fs::rename(&temporary, path).map_err(|e| failed("create", e))?;
    Ok(listener)
}

/// Connects to `path`; `Ok(None)` when nothing is there or nobody listens.
///
/// # Errors
/// The socket is another user's, or the system refuses.
pub async fn connect(path: &Path) -> io::Result<Option<tokio::net::UnixStream>> {
    let connected = {
        let path = path.to_owned();
        // A blocking connect is immediate on a Unix socket unless its queue is full: keep that off this thread.
        tokio::task::spawn_blocking(move || {
            with_short_path(&path, |short| std::os::unix::net::UnixStream::connect(short))
        })
        .await
        .map_err(io::Error::other)?
    };
    match connected {
        Ok(stream) => {
            stream.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(stream).map(Some)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOTDIR.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Calls `use_path` with a name for `path` that fits a socket address. Where the path itself is too long, Linux lets the
/// directory be named by an open file descriptor.
fn with_short_path<T>(path: &Path, use_path: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= MAX_PATH {
        return use_path(path);
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    if !cfg!(target_os = "linux") {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("the path is over {MAX_PATH} bytes, too long for a socket: choose a shorter home directory"),
        ));
    }
    use std::os::fd::AsRawFd;
    let open = rustix::fs::open(directory, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd())).join(name);
    use_path(&short)
}

fn refuse_other_file(path: &Path) -> Result<(), NodeError> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Err(NodeError::new(ErrorKind::Disk, format!("{} is in the way: it is no socket", path.display()))
                .hint("move it elsewhere and start again"))
        }
        _ => Ok(()),
    }
}

fn disk_error(what: &str, path: &Path, error: &io::Error) -> NodeError {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied { ErrorKind::Permission } else { ErrorKind::Disk };
    NodeError::new(kind, format!("cannot {what} the control socket {}: {error}", path.display()))
        .hint("check the permissions of the home directory, or choose another with --home")
}
