//! Where a package lies, and how it is put there and taken away: all or nothing.
//!
//! A replaced package is moved aside, under `.ggen-old-NAME`, until its successor stands; [`tidy`] moves it back when a
//! crash came between.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::description;
use super::inventory::{DESCRIPTION_MODE, Inventory};
use crate::market::error::{Action, IoContext};
use crate::market::files::{self, Existing, TEMP_PREFIX};
use crate::market::{MarketError, PackageName};

/// What a package that is being replaced is called meanwhile. No package name begins with a dot.
const OLD_PREFIX: &str = ".ggen-old-";

/// The right to change a packs directory: a kernel lock on the directory itself, which leaves no file behind.
pub(super) struct Turn {
    _dir: File,
}

impl Turn {
    /// Waits for whoever has it.
    pub fn take(packs_dir: &Path) -> Result<Self, MarketError> {
        let dir = File::open(packs_dir).at(Action::Read, packs_dir)?;
        flock(&dir, FlockOperation::LockExclusive).map_err(std::io::Error::from).at(Action::Write, packs_dir)?;
        Ok(Self { _dir: dir })
    }
}

/// Undoes what a crash left half done: replaced packages come back, temporary directories go. For whoever has the turn.
pub(super) fn tidy(packs_dir: &Path) -> Result<(), MarketError> {
    for entry in fs::read_dir(packs_dir).at(Action::List, packs_dir)? {
        let entry = entry.at(Action::List, packs_dir)?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else { continue };
        if file_name.starts_with(TEMP_PREFIX) {
            remove(&entry.path())?;
        } else if let Some(old) = file_name.strip_prefix(OLD_PREFIX)
            && let Ok(name) = PackageName::new(old.strip_suffix(".toml").unwrap_or(old))
        {
            Place::of(&name, packs_dir).roll_back()?;
        }
    }
    remove_lone_descriptions(packs_dir)
}

/// Descriptions of ours without their package: an install did not come to put it in place, or a removal took it away.
fn remove_lone_descriptions(packs_dir: &Path) -> Result<(), MarketError> {
    for entry in fs::read_dir(packs_dir).at(Action::List, packs_dir)? {
        let flat = entry.at(Action::List, packs_dir)?.path();
        let is_flat = flat.extension().is_some_and(|extension| extension == "toml") && flat.is_file();
        if is_flat && !exists(&flat.with_extension("")) && description::is_ours(&flat) {
            remove(&flat)?;
        }
    }
    Ok(())
}

/// A temporary directory in `packs_dir`, removed when dropped.
pub(super) fn temp_dir(packs_dir: &Path) -> Result<TempDir, MarketError> {
    let private = Permissions::from_mode(0o700);
    let temp = tempfile::Builder::new().prefix(TEMP_PREFIX).permissions(private).tempdir_in(packs_dir);
    temp.at(Action::Create, packs_dir)
}

/// Where one package lies.
pub(super) struct Place {
    packs: PathBuf,
    pub dir: PathBuf,
    pub flat: PathBuf,
    old_dir: PathBuf,
    old_flat: PathBuf,
}

impl Place {
    pub fn of(name: &PackageName, packs_dir: &Path) -> Self {
        Self {
            packs: packs_dir.to_path_buf(),
            dir: packs_dir.join(name.as_str()),
            flat: packs_dir.join(format!("{name}.toml")),
            old_dir: packs_dir.join(format!("{OLD_PREFIX}{name}")),
            old_flat: packs_dir.join(format!("{OLD_PREFIX}{name}.toml")),
        }
    }

    /// Whether anything is there.
    pub fn is_taken(&self) -> bool {
        exists(&self.dir) || exists(&self.flat)
    }

    /// Fails where somebody else's files lie in the package's place: they are not ours to replace or remove. A directory
    /// with just the files that are to be there (`wanted`) is taken over: a crash can leave it without its description.
    pub fn refuse_foreign(&self, wanted: Option<&Inventory>) -> Result<(), MarketError> {
        let described = description::is_ours(&self.flat);
        if exists(&self.flat) && !described {
            return Err(foreign(&self.flat));
        }
        let is_dir = self.dir.symlink_metadata().is_ok_and(|about| about.is_dir());
        let is_wanted = || wanted.is_some_and(|wanted| wanted.is_what_is_in(&self.dir));
        if !exists(&self.dir) || is_dir && (described || is_wanted()) {
            return Ok(());
        }
        Err(foreign(&self.dir))
    }

    /// Puts the new package in the place of what is there; on an error what was there is back. Renaming the old directory
    /// into `trash` is the moment from which the new package counts; its flat file goes after it, so that an old flat
    /// file alone means that only tidying was left.
    pub fn replace(&self, unpacked: &Path, text: &str, trash: &Path) -> Result<(), MarketError> {
        move_if_there(&self.dir, &self.old_dir)?;
        self.fill(unpacked, text, trash).or_else(|error| self.undo(error))?;
        files::sync_dir(&self.packs)?;
        remove(&self.old_flat)
    }

    fn fill(&self, unpacked: &Path, text: &str, trash: &Path) -> Result<(), MarketError> {
        move_if_there(&self.flat, &self.old_flat)?;
        // Before the files: a description alone is known for what a crash has left, files alone might be anybody's.
        files::write_durably(&self.flat, text.as_bytes(), DESCRIPTION_MODE, Existing::Replace)?;
        fs::rename(unpacked, &self.dir).at(Action::Rename, &self.dir)?;
        move_if_there(&self.old_dir, &trash.join("old"))
    }

    fn undo(&self, error: MarketError) -> Result<(), MarketError> {
        if !exists(&self.old_dir) {
            remove(&self.dir)?;
            remove(&self.flat)?;
        }
        self.roll_back()?;
        Err(error)
    }

    /// Puts back what was moved aside.
    fn roll_back(&self) -> Result<(), MarketError> {
        if exists(&self.old_dir) {
            remove(&self.dir)?;
            fs::rename(&self.old_dir, &self.dir).at(Action::Rename, &self.dir)?;
            move_if_there(&self.old_flat, &self.flat)?;
        }
        remove(&self.old_flat)?;
        files::sync_dir(&self.packs)
    }

    /// Moves the files into `trash`, the moment from which the package is gone, and removes their description.
    pub fn clear(&self, trash: &Path) -> Result<(), MarketError> {
        move_if_there(&self.dir, &trash.join("files"))?;
        remove(&self.flat)?;
        files::sync_dir(&self.packs)
    }
}

fn foreign(path: &Path) -> MarketError {
    MarketError::Refused {
        message: format!("{} was not put there by this program and is left alone", path.display()),
        hint: format!("move it away and try again: mv '{0}' '{0}.mine'", path.display()),
    }
}

pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn move_if_there(from: &Path, to: &Path) -> Result<(), MarketError> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Rename, from),
    }
}

/// Removes a file, a link, or a directory with all that is in it.
fn remove(path: &Path) -> Result<(), MarketError> {
    let removed = match path.symlink_metadata() {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other.at(Action::Remove, path),
    }
}
