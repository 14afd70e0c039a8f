//! A log file that is begun anew at a size, with a bounded number of old ones.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// `node.log`, and `node.log.1` (newest) and on for the old ones. Nothing is created before the first write.
pub struct RotatingFile {
    directory: PathBuf,
    max_files: u32,
    /// Bytes.
    max_size: u64,
    current: Option<(File, u64)>,
}

impl RotatingFile {
    /// `max_files` counts the current file too; a size of 0 is no limit.
    pub fn new(directory: &Path, max_files: u32, max_size: u64) -> Self {
        Self { directory: directory.to_owned(), max_files: max_files.max(1), max_size, current: None }
    }

    fn name(&self, age: u32) -> PathBuf {
        match age {
            0 => self.directory.join("node.log"),
            age => self.directory.join(format!("node.log.{age}")),
        }
    }

    fn open(&self) -> io::Result<(File, u64)> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(self.name(0))?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.current = None;
        remove(&self.name(self.max_files - 1))?;
        for age in (0..self.max_files - 1).rev() {
            match std::fs::rename(self.name(age), self.name(age + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (file, size) = match self.current.take() {
            Some(current) => current,
            None => self.open()?,
        };
        let full = self.max_size > 0 && size > 0 && size + line.len() as u64 > self.max_size;
        let (mut file, size) = if full {
            drop(file);
            self.rotate()?;
            self.open()?
        } else {
            (file, size)
        };
        let written = file.write(line)?;
        self.current = Some((file, size + written as u64));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.current.as_mut().map_or(Ok(()), |(file, _)| file.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn count_and_size_are_bounded_and_the_newest_lines_stay() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("logs");
        let mut file = RotatingFile::new(&directory, 3, 100);
        assert!(!directory.exists());
        for number in 0..100 {
            file.write_all(format!("line {number:04}\n").as_bytes()).unwrap();
        }
        assert_eq!(names(&directory), ["node.log", "node.log.1", "node.log.2"]);
        for name in names(&directory) {
            assert!(std::fs::metadata(directory.join(name)).unwrap().len() <= 100);
        }
        let newest = std::fs::read_to_string(directory.join("node.log")).unwrap();
        assert!(newest.ends_with("line 0099\n"), "{newest}");
    }

    #[test]
    fn a_new_process_goes_on_where_the_last_one_ended() {
        let home = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            RotatingFile::new(home.path(), 2, 0).write_all(b"again\n").unwrap();
        }
        assert_eq!(std::fs::read_to_string(home.path().join("node.log")).unwrap(), "again\nagain\n");
    }

    #[test]
    fn one_file_is_begun_anew() {
        let home = tempfile::tempdir().unwrap();
        let mut file = RotatingFile::new(home.path(), 1, 10);
        file.write_all(b"12345678\n").unwrap();
        file.write_all(b"abc\n").unwrap();
        assert_eq!(names(home.path()), ["node.log"]);
        assert_eq!(std::fs::read_to_string(home.path().join("node.log")).unwrap(), "abc\n");
    }
}
