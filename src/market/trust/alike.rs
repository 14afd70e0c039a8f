//! Names that this one can be taken for.

use std::collections::BTreeSet;

use super::names::{Likeness, folds_near, likeness};
use super::{Case, Code, Outcome, Step};
use crate::market::store::{Installed, NameUse};
use crate::market::{Db, MarketError, PackageName};

/// Releases and publishers from which on a name counts as well known.
const WELL_KNOWN: u64 = 4;
/// What a further publisher of a name weighs, in releases.
const PUBLISHER: u64 = 2;

/// A name that the package's can be taken for, and why it matters.
struct Alike {
    name: PackageName,
    likeness: Likeness,
    why: String,
    outcome: Outcome,
}

pub(super) fn name(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let pass = |text: &str| Step::new(Code::LookAlike, Outcome::Pass, text);
    if case.is_settled() {
        return Ok(pass("you have taken this name from this key before"));
    }
    let alike = match of_the_user(db, case)? {
        Some(alike) => Some(alike),
        None => of_the_catalogue(db, case)?,
    };
    let Some(alike) = alike else { return Ok(pass("it looks like no other well-known name")) };
    let how = match alike.likeness {
        Likeness::Look => "looks like",
        Likeness::Slip => "is one slip away from",
        Likeness::Affix => "adds a word to",
    };
    let text = format!("its name {how} '{}' ({})", alike.name, alike.why);
    Ok(Step::new(Code::LookAlike, alike.outcome, text).hint(format!("be sure that you do not mean {}", alike.name)))
}

/// Against what the user has: installed, pinned or published. These are few, so each is compared.
fn of_the_user(db: &mut Db, case: &Case<'_>) -> Result<Option<Alike>, MarketError> {
    let release = case.release.release();
    let alike = |name: PackageName, why: &str| {
        let likeness = likeness(release.name.as_str(), name.as_str())?;
        Some(Alike { name, likeness, why: why.into(), outcome: Outcome::Warn })
    };
    let why = |entry: &Installed| match entry.publisher {
        Some(_) => "installed here, by another key",
        None => "installed here, unsigned",
    };
    let installed = db.installed()?.into_iter().filter(|entry| entry.publisher != Some(release.publisher));
    if let Some(found) = installed.filter_map(|one| alike(one.name.clone(), why(&one))).next() {
        return Ok(Some(found));
    }
    let pins = db.pins()?.into_iter().filter(|pin| pin.publisher != release.publisher);
    if let Some(found) = pins.filter_map(|pin| alike(pin.name, "pinned here, to another key")).next() {
        return Ok(Some(found));
    }
    let own = case.ground.own.map(|key| db.names_of(key)).transpose()?.unwrap_or_default();
    Ok(own.into_iter().filter_map(|name| alike(name, "published by you")).next())
}

/// Against the catalogue, through the index of folds: a warning where the other name is better known, a note where it was
/// only there before.
fn of_the_catalogue(db: &mut Db, case: &Case<'_>) -> Result<Option<Alike>, MarketError> {
    let release = case.release.release();
    let folds = folds_near(release.name.as_str());
    let found = db.names_folded(&folds.iter().map(String::as_str).collect::<Vec<_>>())?;
    let weight = |name: &NameUse| name.releases + PUBLISHER * name.publishers.saturating_sub(1);
    let this = found.iter().find(|one| one.name == release.name).map_or(0, weight);
    let since = case.first_seen(release.publisher).unwrap_or(case.ground.now);
    let same_publisher: BTreeSet<_> =
        if found.len() > 1 { db.names_of(release.publisher)?.into_iter().collect() } else { BTreeSet::new() };
    let alike = found.iter().filter_map(|one| {
        let likeness = likeness(release.name.as_str(), one.name.as_str())?;
        let well_known = weight(one) >= WELL_KNOWN && weight(one) > this;
        let counts = (well_known || one.first_seen < since) && !same_publisher.contains(&one.name);
        counts.then(|| (weight(one), well_known, likeness, one))
    });
    let best = alike.max_by_key(|(weight, well_known, ..)| (*well_known, *weight));
    Ok(best.map(|(_, well_known, likeness, one)| Alike {
        name: one.name.clone(),
        likeness,
        why: match (well_known, one.releases) {
            (true, releases) => format!("known better: {releases} releases by {}", publishers(one.publishers)),
            (false, _) => "seen here before it".into(),
        },
        outcome: if well_known { Outcome::Warn } else { Outcome::Note },
    }))
}

fn publishers(count: u64) -> String {
    if count == 1 { "another key".into() } else { format!("{count} keys") }
}
