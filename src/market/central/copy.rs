//! The files of the copies: `<sha256>.json` in one directory.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{Index, MAX_INDEX};
use crate::market::error::{Action, IoContext};
use crate::market::ids::to_hex;
use crate::market::store::CentralCopy;
use crate::market::{MarketError, files};

/// A temporary file in the directory of the copies, which is made if it is not there.
pub fn temp_file(dir: &Path) -> Result<NamedTempFile, MarketError> {
    files::create_dir(dir, 0o700)?;
    files::temp_file(dir)
}

/// Reads a fetched index and, when it is one, keeps its file durably; the row that names it is written after.
///
/// # Errors
/// It is no index, or the disk does not take it.
pub fn keep(mut fetched: NamedTempFile, dir: &Path) -> Result<(Index, [u8; 32], u64), MarketError> {
    let path = fetched.path().to_owned();
    let (sha256, size) = digest(&path)?;
    let index = Index::from_reader(File::open(&path).at(Action::Read, &path)?)?;
    fetched.as_file_mut().sync_all().at(Action::Write, &path)?;
    let target = dir.join(file_name(sha256));
    fetched.persist(&target).map_err(|refused| MarketError::io(Action::Rename, &target, refused.error))?;
    files::sync_dir(dir)?;
    Ok((index, sha256, size))
}

/// Reads a copy.
///
/// # Errors
/// Its file is gone, or not what was kept.
pub fn load(copy: &CentralCopy, dir: &Path) -> Result<Index, MarketError> {
    let path = dir.join(file_name(copy.sha256));
    let (sha256, size) = digest(&path)?;
    if (sha256, size) != (copy.sha256, copy.size) {
        return Err(MarketError::Failed(format!("{} is damaged", path.display())));
    }
    Index::from_reader(File::open(&path).at(Action::Read, &path)?)
}

/// Removes the files of copies that no row names any more, and what an interrupted fetch left.
pub fn sweep(copies: &[CentralCopy], dir: &Path) -> Result<(), MarketError> {
    let wanted: Vec<PathBuf> = copies.iter().map(|copy| dir.join(file_name(copy.sha256))).collect();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.at(Action::List, dir)?,
    };
    for entry in entries {
        let path = entry.at(Action::List, dir)?.path();
        if !wanted.contains(&path) {
            fs::remove_file(&path).at(Action::Remove, &path)?;
        }
    }
    Ok(())
}

fn file_name(sha256: [u8; 32]) -> String {
    format!("{}.json", to_hex(&sha256))
}

/// SHA-256 and size of a file that is at most as large as an index may be.
fn digest(path: &Path) -> Result<([u8; 32], u64), MarketError> {
    let mut file = File::open(path).at(Action::Read, path)?.take(MAX_INDEX + 1);
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).at(Action::Read, path)?;
        size += read as u64;
        match buffer.get(..read) {
            None | Some([]) => return Ok((hasher.finalize().into(), size)),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn kept(dir: &Path, text: &str) -> CentralCopy {
        let mut temp = temp_file(dir).expect("temp file");
        temp.write_all(text.as_bytes()).expect("write");
        let (_, sha256, size) = keep(temp, dir).expect("keep");
        CentralCopy { location: "x".into(), sha256, size, ..CentralCopy::default() }
    }

    #[test]
    fn a_copy_is_kept_checked_and_swept() {
        let temp = tempfile::tempdir().expect("temp dir");
        let dir = temp.path().join("central");
        sweep(&[], &dir).expect("nothing there yet");
        let old = kept(&dir, "[]");
        let new = kept(&dir, r#"[{"name": "a", "version": "1.0.0"}]"#);
        assert_eq!(load(&new, &dir).expect("load").packages.len(), 1);
        fs::write(dir.join(".ggen-tmp-left"), "x").expect("write");
        sweep(std::slice::from_ref(&new), &dir).expect("sweep");
        assert_eq!(fs::read_dir(&dir).expect("list").count(), 1);
        assert!(load(&old, &dir).is_err());
        fs::write(dir.join(file_name(new.sha256)), "[]").expect("write");
        assert!(load(&new, &dir).expect_err("damaged").to_string().contains("damaged"));
    }

    #[test]
    fn what_is_no_index_is_not_kept() {
        let dir = tempfile::tempdir().expect("temp dir");
        let mut temp = temp_file(dir.path()).expect("temp file");
        temp.write_all(b"<html>").expect("write");
        assert!(keep(temp, dir.path()).is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 0);
    }
}
