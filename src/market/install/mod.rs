//! Putting a verified archive into `<home>/packs/<name>/` and taking it out again.
//!
//! A replaced package is moved aside, under `.ggen-old-NAME`, until its successor stands; [`recover`] moves it back when a
//! crash came between.

mod description;
mod same;

#[cfg(test)]
mod tests;

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::error::{Action, IoContext};
use super::files::{self, Existing, TEMP_PREFIX};
use super::{MarketError, PackageName, VerifiedRelease, archive};

/// What a package that is being replaced is called meanwhile. No package name begins with a dot.
const OLD_PREFIX: &str = ".ggen-old-";

/// What an install wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// `<home>/packs/<name>`
    pub path: PathBuf,
    pub files: u32,
    /// Bytes of the files.
    pub bytes: u64,
}

/// Verifies `archive` against `release` (SHA-256, Merkle root, size), extracts it under DESIGN section 8's rules into a
/// temporary sibling and renames it into place, all or nothing, replacing an older version of that name; writes the flat
/// `<name>.toml` beside it. Nothing is left behind on an error.
///
/// Installs into one directory take turns, also those of other processes. Blocks; not for async code.
pub fn place(archive: &Path, release: &VerifiedRelease, packs_dir: &Path) -> Result<Placed, MarketError> {
    files::create_dir(packs_dir, 0o755)?;
    let _turn = Turn::take(packs_dir)?;
    recover_in_turn(packs_dir)?;
    let mut file = File::open(archive).at(Action::Read, archive)?;
    archive::verify(&mut file, archive, release)?;
    let temp = temp_dir(packs_dir)?;
    let unpacked = temp.path().join("files");
    files::create_dir(&unpacked, 0o755)?;
    let extracted = archive::extract(&mut file, archive, release.release().file_count, &unpacked)?;
    let text = description::text(release, &unpacked);
    let place = Place::of(&release.release().name, packs_dir);
    place.refuse_foreign(Some(&unpacked))?;
    place.replace(&unpacked, &text, temp.path())?;
    Ok(Placed { path: place.dir, files: extracted.files, bytes: extracted.bytes })
}

/// Takes an installed package's folder and flat file away. `false` when there was none.
pub fn take_away(name: &PackageName, packs_dir: &Path) -> Result<bool, MarketError> {
    if !exists(packs_dir) {
        return Ok(false);
    }
    let _turn = Turn::take(packs_dir)?;
    recover_in_turn(packs_dir)?;
    let place = Place::of(name, packs_dir);
    place.refuse_foreign(None)?;
    let there = exists(&place.dir) || exists(&place.flat);
    if there {
        let temp = temp_dir(packs_dir)?;
        move_if_there(&place.dir, &temp.path().join("files"))?;
        remove(&place.flat)?;
        files::sync_dir(packs_dir)?;
    }
    Ok(there)
}

/// Undoes what a crash left half done in `packs_dir`: replaced packages come back, temporary directories go. Installing
/// and removing do this first; call it at start too.
pub fn recover(packs_dir: &Path) -> Result<(), MarketError> {
    if !exists(packs_dir) {
        return Ok(());
    }
    let _turn = Turn::take(packs_dir)?;
    recover_in_turn(packs_dir)
}

fn recover_in_turn(packs_dir: &Path) -> Result<(), MarketError> {
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

/// The right to change a packs directory: a kernel lock on the directory itself, which leaves no file behind.
struct Turn {
    _dir: File,
}

impl Turn {
    fn take(packs_dir: &Path) -> Result<Self, MarketError> {
        let dir = File::open(packs_dir).at(Action::Read, packs_dir)?;
        flock(&dir, FlockOperation::LockExclusive).map_err(std::io::Error::from).at(Action::Write, packs_dir)?;
        Ok(Self { _dir: dir })
    }
}

/// Where one package lies.
struct Place {
    packs: PathBuf,
    dir: PathBuf,
    flat: PathBuf,
    old_dir: PathBuf,
    old_flat: PathBuf,
}

impl Place {
    fn of(name: &PackageName, packs_dir: &Path) -> Self {
        Self {
            packs: packs_dir.to_path_buf(),
            dir: packs_dir.join(name.as_str()),
            flat: packs_dir.join(format!("{name}.toml")),
            old_dir: packs_dir.join(format!("{OLD_PREFIX}{name}")),
            old_flat: packs_dir.join(format!("{OLD_PREFIX}{name}.toml")),
        }
    }

    /// Fails where somebody else's files lie in the package's place: they are not ours to replace or remove. A directory
    /// with just the files that are to be there (`wanted`) is taken over: a crash can leave it without its description.
    fn refuse_foreign(&self, wanted: Option<&Path>) -> Result<(), MarketError> {
        let is_dir = self.dir.symlink_metadata().is_ok_and(|about| about.is_dir());
        if !is_dir || description::is_ours(&self.flat) || wanted.is_some_and(|wanted| same::tree(&self.dir, wanted)) {
            return Ok(());
        }
        Err(MarketError::Refused {
            message: format!("{} was not put there by this program and is left alone", self.dir.display()),
            hint: format!("move it away and try again: mv '{0}' '{0}.mine'", self.dir.display()),
        })
    }

    /// Puts the new package in the place of what is there; on an error what was there is back. Renaming the old directory
    /// into `trash` is the moment from which the new package counts; its flat file goes after it, so that an old flat
    /// file alone means that only tidying was left.
    fn replace(&self, unpacked: &Path, text: &str, trash: &Path) -> Result<(), MarketError> {
        move_if_there(&self.dir, &self.old_dir)?;
        self.fill(unpacked, text, trash).or_else(|error| self.undo(error))?;
        files::sync_dir(&self.packs)?;
        remove(&self.old_flat)
    }

    fn fill(&self, unpacked: &Path, text: &str, trash: &Path) -> Result<(), MarketError> {
        move_if_there(&self.flat, &self.old_flat)?;
        // Before the files: a description alone is known for what a crash has left, files alone might be anybody's.
        files::write_durably(&self.flat, text.as_bytes(), 0o644, Existing::Replace)?;
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
}

/// A temporary directory in `packs_dir`, removed when dropped.
fn temp_dir(packs_dir: &Path) -> Result<TempDir, MarketError> {
    let private = Permissions::from_mode(0o700);
    let temp = tempfile::Builder::new().prefix(TEMP_PREFIX).permissions(private).tempdir_in(packs_dir);
    temp.at(Action::Create, packs_dir)
}

fn exists(path: &Path) -> bool {
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
