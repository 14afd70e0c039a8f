//! The checksum that a central index gives of a package's directory.
//!
//! SHA-256 over, for each file, its relative path and then its content; files and directories whose names begin with a
//! dot are left out; the files of a directory come before its subdirectories, sorted by name. In which order the
//! subdirectories come is not said: whoever makes an index takes the order in which their file system lists them. So the
//! sorted order is tried first, and then others, as long as that is little work.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::market::MarketError;
use crate::market::archive::MAX_FILES;
use crate::market::error::{Action, IoContext};

/// Orders of subdirectories that are tried, and bytes that are hashed for it in all.
const MAX_ORDERS: u64 = 1000;
const MAX_HASHED: u64 = 1 << 30;

/// What became of comparing a directory with a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    Matches,
    /// No order that was tried gives the checksum; `got` is that of the sorted one. With `all`, there is no other order.
    Differs {
        got: [u8; 32],
        all: bool,
    },
}

/// The checksum of `dir`, subdirectories in sorted order.
pub fn directory_checksum(dir: &Path) -> Result<[u8; 32], MarketError> {
    Folder::read(dir, "", &mut 0)?.checksum(dir)
}

/// Compares `dir` with `expected` under every order of its subdirectories, as long as that is little work.
pub fn check(dir: &Path, expected: [u8; 32]) -> Result<Checked, MarketError> {
    let mut bytes = 0;
    let mut folder = Folder::read(dir, "", &mut bytes)?;
    let got = folder.checksum(dir)?;
    if got == expected {
        return Ok(Checked::Matches);
    }
    let orders = MAX_ORDERS.min(MAX_HASHED / bytes.max(1));
    for _ in 1..orders {
        if !folder.next_order() {
            return Ok(Checked::Differs { got, all: true });
        }
        if folder.checksum(dir)? == expected {
            return Ok(Checked::Matches);
        }
    }
    Ok(Checked::Differs { got, all: !folder.next_order() })
}

/// A directory with what counts of it.
struct Folder {
    /// Relative paths, sorted.
    files: Vec<String>,
    /// Those with files below them.
    folders: Vec<Folder>,
    /// The order in which `folders` come.
    order: Vec<usize>,
}

impl Folder {
    fn read(root: &Path, path: &str, bytes: &mut u64) -> Result<Self, MarketError> {
        let dir = root.join(path);
        let (mut files, mut names) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&dir).at(Action::List, &dir)? {
            let entry = entry.at(Action::List, &dir)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let about = entry.metadata().at(Action::Read, &dir)?;
            if name.starts_with('.') {
                continue;
            }
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if about.is_dir() {
                names.push(path);
            } else if about.is_file() {
                *bytes = bytes.saturating_add(about.len());
                files.push(path);
            }
        }
        if files.len() > MAX_FILES as usize || names.len() > MAX_FILES as usize {
            return Err(MarketError::Archive(format!("it has more than {MAX_FILES} files")));
        }
        files.sort_unstable();
        names.sort_unstable();
        let mut folders = Vec::new();
        for name in names {
            let folder = Self::read(root, &name, bytes)?;
            if !folder.files.is_empty() || !folder.folders.is_empty() {
                folders.push(folder);
            }
        }
        Ok(Self { files, order: (0..folders.len()).collect(), folders })
    }

    fn checksum(&self, root: &Path) -> Result<[u8; 32], MarketError> {
        let mut hasher = Sha256::new();
        self.add_to(&mut hasher, root)?;
        Ok(hasher.finalize().into())
    }

    fn add_to(&self, hasher: &mut Sha256, root: &Path) -> Result<(), MarketError> {
        for path in &self.files {
            let file = root.join(path);
            hasher.update(path.as_bytes());
            File::open(&file).and_then(|open| hash(hasher, open)).at(Action::Read, &file)?;
        }
        self.order.iter().filter_map(|at| self.folders.get(*at)).try_for_each(|folder| folder.add_to(hasher, root))
    }

    /// Goes on to the next order of all subdirectories below; `false`, and back at the first, after the last one.
    fn next_order(&mut self) -> bool {
        self.folders.iter_mut().any(Self::next_order) || next_permutation(&mut self.order)
    }
}

fn hash(hasher: &mut Sha256, mut file: File) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            None | Some([]) => return Ok(()),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

/// The next one in lexicographic order; after the last one `false`, and the first again. (Knuth, TAOCP 7.2.1.2, algorithm L)
fn next_permutation(order: &mut [usize]) -> bool {
    let Some(at) = order.windows(2).rposition(|pair| pair[0] < pair[1]) else {
        order.reverse();
        return false;
    };
    let pivot = order[at];
    if let Some(swap) = order.iter().rposition(|other| *other > pivot) {
        order.swap(at, swap);
    }
    order[at + 1..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::testing::write_tree;

    fn sha256(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }

    #[test]
    fn paths_and_contents_files_first_hidden_ones_left_out() {
        let dir = tempfile::tempdir().expect("temp dir");
        let files =
            [("z.txt", "Z"), ("B", "b"), ("a/x", "X"), ("a/b/y", "Y"), (".hidden", "h"), (".d/x", "d"), ("a/.e", "e")];
        write_tree(dir.path(), &files);
        let expected = sha256("Bbz.txtZa/xXa/b/yY");
        assert_eq!(directory_checksum(dir.path()).expect("checksum"), expected);
        assert_eq!(check(dir.path(), expected).expect("check"), Checked::Matches);
        assert_eq!(check(dir.path(), [0; 32]).expect("check"), Checked::Differs { got: expected, all: true });
    }

    #[test]
    fn every_order_of_subdirectories_is_tried() {
        let dir = tempfile::tempdir().expect("temp dir");
        write_tree(dir.path(), &[("c/f", "3"), ("b/f", "2"), ("a/f", "1"), ("a/y/f", "5"), ("a/x/f", "4")]);
        fs::create_dir(dir.path().join("empty")).expect("directory");
        assert_eq!(directory_checksum(dir.path()).expect("checksum"), sha256("a/f1a/x/f4a/y/f5b/f2c/f3"));
        for text in ["c/f3a/f1a/y/f5a/x/f4b/f2", "b/f2a/f1a/x/f4a/y/f5c/f3", "c/f3b/f2a/f1a/y/f5a/x/f4"] {
            assert_eq!(check(dir.path(), sha256(text)).expect("check"), Checked::Matches, "{text}");
        }
        // Files never come behind a subdirectory.
        let wrong = check(dir.path(), sha256("a/x/f4a/y/f5a/f1b/f2c/f3")).expect("check");
        assert!(matches!(wrong, Checked::Differs { all: true, .. }));
    }

    #[test]
    fn too_many_orders_are_not_all_tried() {
        let dir = tempfile::tempdir().expect("temp dir");
        let files: Vec<_> = (0..8).map(|i| (format!("d{i}/f"), "x")).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
        write_tree(dir.path(), &files);
        assert!(matches!(check(dir.path(), [0; 32]).expect("check"), Checked::Differs { all: false, .. }));
    }
}
