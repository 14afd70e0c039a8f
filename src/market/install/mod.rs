//! Installing into `<home>/packs/<name>/` and removing from there, with a note of it in the store.
//!
//! The order of an install, so that a crash at any point leaves the old package with its note or the new one with its note:
//! 1. verify, unpack into a temporary directory beside the package's place, and take the inventory of the files;
//! 2. write the intent: the note and the inventory;
//! 3. put the files in place (`place`);
//! 4. make the intent the note.
//!
//! A removal takes the files away between its intent and the end of its note. Who finds an intent compares it with what is on
//! disk (`recovery`); that happens when the store is opened and before each install and removal.

mod contents;
mod description;
mod inventory;
mod needs;
mod place;
mod recovery;
mod verify;

#[cfg(test)]
mod central_tests;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod verify_tests;

use std::path::{Path, PathBuf};

use semver::VersionReq;

use super::store::{InstallSource, Installed, Reason};
use super::{MarketError, PackageName, PublisherKey, Store, files};

pub use contents::{Assurance, Contents};
pub use inventory::{Inventory, Stamp};
pub use needs::{Removal, RemovalPlan, needed_by};
pub use recovery::recover;
pub(in crate::market) use recovery::recover_notes;
pub use verify::{Basis, Problem, ProblemKind, Verification, is_intact, verify};

#[cfg(test)]
pub(crate) use tests::interrupted;

use contents::Unpacked;
use place::{Place, Turn, exists, temp_dir};

/// Why a package is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    pub reason: Reason,
    /// What the user asked for; none: any version.
    pub requirement: Option<VersionReq>,
}

impl Purpose {
    /// The user wants it.
    pub fn asked(requirement: Option<VersionReq>) -> Self {
        Self { reason: Reason::Asked, requirement }
    }

    /// Another package needs it.
    pub fn needed() -> Self {
        Self { reason: Reason::Needed, requirement: None }
    }
}

/// What an install wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// `<home>/packs/<name>`
    pub path: PathBuf,
    pub entry: Installed,
    pub assurance: Assurance,
}

/// Installs a package, all or nothing, in the place of an older version of that name: verifies what it is unpacked from,
/// extracts under DESIGN section 8's rules, puts the files and the flat `<name>.toml` in place, notes it, and pins the
/// name's key ([`trust::settle`](super::trust::settle)). `now` in Unix seconds. Nothing is left behind on an error.
///
/// Whether a signed release is to be trusted is asked before ([`trust::assess`](super::trust::assess)). What nobody signed
/// is refused where the name is pinned to a key.
///
/// A package that the user has asked for stays one, with its requirement, when it is put anew because another needs it.
///
/// Installs into one directory take turns, also those of other processes. Blocks; not for async code.
pub fn put(
    store: &Store,
    contents: &Contents<'_>,
    purpose: Purpose,
    packs_dir: &Path,
    now: u64,
) -> Result<Placed, MarketError> {
    files::create_dir(packs_dir, 0o755)?;
    let _turn = Turn::take(packs_dir)?;
    recovery::in_turn(store, packs_dir)?;
    let prepared = Prepared::new(contents, packs_dir)?;
    let name = prepared.unpacked.name.clone();
    let (current, pinned) = store.run_blocking(move |db| Ok((db.installed_as(&name)?, db.pinned(&name)?)))?;
    prepared.check_pin(pinned)?;
    prepared.check_place(current.is_some())?;
    let entry = prepared.entry(purpose, current, now);
    let (note, inventory) = (entry.clone(), prepared.inventory.clone());
    store.run_blocking(move |db| db.intend_install(&note, &inventory))?;
    let name = entry.name.clone();
    if let Err(error) = prepared.place() {
        // What was there before is back, so the intent is void; should this fail too, whoever finds it sees that.
        if let Err(also) = store.run_blocking(move |db| db.drop_intent(&name)) {
            tracing::debug!(%also, "an intent is left");
        }
        return Err(error);
    }
    store.run_blocking(move |db| db.conclude_install(&name))?;
    Ok(Placed { path: prepared.place.dir, entry, assurance: prepared.unpacked.assurance })
}

/// Takes an installed package's folder, its flat file and the note of it away. `false` when there was none of them.
///
/// Blocks; not for async code.
pub fn remove(store: &Store, name: &PackageName, packs_dir: &Path) -> Result<bool, MarketError> {
    let place = Place::of(name, packs_dir);
    let _turn = if exists(packs_dir) { Some(Turn::take(packs_dir)?) } else { None };
    recovery::in_turn(store, packs_dir)?;
    let wanted = name.clone();
    let noted = store.run_blocking(move |db| Ok(db.installed_as(&wanted)?.is_some()))?;
    let there = place.is_taken();
    if there {
        if !noted {
            place.refuse_foreign(None)?;
        }
        let wanted = name.clone();
        store.run_blocking(move |db| db.intend_removal(&wanted))?;
        place.clear(temp_dir(packs_dir)?.path())?;
    }
    let wanted = name.clone();
    store.run_blocking(move |db| db.conclude_removal(&wanted))?;
    Ok(there || noted)
}

/// A package that is unpacked beside its place.
struct Prepared {
    unpacked: Unpacked,
    inventory: Inventory,
    place: Place,
    temp: tempfile::TempDir,
}

impl Prepared {
    fn new(contents: &Contents<'_>, packs_dir: &Path) -> Result<Self, MarketError> {
        let temp = temp_dir(packs_dir)?;
        let dir = temp.path().join("files");
        files::create_dir(&dir, 0o755)?;
        let unpacked = contents.unpack(&dir)?;
        let inventory = Inventory::of(&dir)?.with_description(&unpacked.description);
        Ok(Self { inventory, place: Place::of(&unpacked.name, packs_dir), temp, unpacked })
    }

    /// What nobody signed never takes the place of what a key vouches for.
    fn check_pin(&self, pinned: Option<PublisherKey>) -> Result<(), MarketError> {
        let name = &self.unpacked.name;
        match (self.unpacked.publisher, pinned) {
            (None, Some(key)) => Err(MarketError::Untrusted {
                message: format!(
                    "{name} is pinned to the key {key}, and what a central index lists is signed by nobody"
                ),
                hint: format!(
                    "install what that key has signed; or give the pin up first: ggen-p2p-tui trust forget {name}"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// What is noted as installed is ours to replace, however damaged it is.
    fn check_place(&self, is_noted: bool) -> Result<(), MarketError> {
        if is_noted { Ok(()) } else { self.place.refuse_foreign(Some(&self.inventory)) }
    }

    fn place(&self) -> Result<(), MarketError> {
        self.place.replace(&self.temp.path().join("files"), &self.unpacked.description, self.temp.path())
    }

    fn entry(&self, purpose: Purpose, current: Option<Installed>, now: u64) -> Installed {
        let asked_before = current.filter(|entry| entry.reason == Reason::Asked && purpose.reason == Reason::Needed);
        let purpose = asked_before.map_or(purpose, |entry| Purpose::asked(entry.requirement));
        let unpacked = &self.unpacked;
        Installed {
            name: unpacked.name.clone(),
            version: unpacked.version.clone(),
            publisher: unpacked.publisher,
            package_id: unpacked.package_id,
            installed_at: now,
            files: unpacked.extracted.files,
            bytes: unpacked.extracted.bytes,
            reason: purpose.reason,
            requirement: purpose.requirement,
            source: unpacked.source.clone(),
            dependencies: unpacked.dependencies.clone(),
        }
    }
}
