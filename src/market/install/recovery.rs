//! What a crash left half done: what is on disk decides what is noted.

use std::path::Path;

use super::place::{Place, Turn, exists, tidy};
use super::verify::compare;
use crate::market::{Db, MarketError, Store};

/// Undoes or completes what a crash left half done in `packs_dir`: replaced packages come back, temporary directories go,
/// and what is noted becomes what is there. Opening the store, installing and removing do this first.
///
/// # Errors
/// The directory or the database cannot be read or written.
pub fn recover(store: &Store, packs_dir: &Path) -> Result<(), MarketError> {
    let _turn = if exists(packs_dir) { Some(Turn::take(packs_dir)?) } else { None };
    in_turn(store, packs_dir)
}

/// The same for who opens the database and has it alone.
pub(in crate::market) fn recover_notes(db: &mut Db, packs_dir: &Path) -> Result<(), MarketError> {
    let _turn = if exists(packs_dir) { Some(Turn::take(packs_dir)?) } else { None };
    files(packs_dir)?;
    notes(db, packs_dir)
}

/// The same for whoever has the turn: no intent is of someone who is at work.
pub(super) fn in_turn(store: &Store, packs_dir: &Path) -> Result<(), MarketError> {
    files(packs_dir)?;
    let packs_dir = packs_dir.to_path_buf();
    store.run_blocking(move |db| notes(db, &packs_dir))
}

fn files(packs_dir: &Path) -> Result<(), MarketError> {
    if exists(packs_dir) { tidy(packs_dir) } else { Ok(()) }
}

fn notes(db: &mut Db, packs_dir: &Path) -> Result<(), MarketError> {
    for (name, intended) in db.install_intents()? {
        let is_there = intended.is_some_and(|inventory| {
            let found = compare(&Place::of(&name, packs_dir), &inventory);
            found.is_sound()
        });
        if is_there { db.conclude_install(&name)? } else { db.drop_intent(&name)? }
    }
    for name in db.removal_intents()? {
        let is_gone = !exists(&Place::of(&name, packs_dir).dir);
        if is_gone { db.conclude_removal(&name)? } else { db.drop_intent(&name)? }
    }
    Ok(())
}
