//! Whose key it is.

use super::{Case, Code, Fingerprint, KeyChange, Outcome, Step};
use crate::market::PublisherKey;
use crate::market::store::{Pin, PinOrigin};
use crate::market::when::day;

/// Publishers of a name that are told of by fingerprint.
const TOLD: usize = 3;

/// The key against the one pinned for the name.
pub(super) fn key(case: &Case<'_>) -> Step {
    let key = case.release.release().publisher;
    let step = |outcome, text: String| Step::new(Code::Publisher, outcome, text);
    match &case.pin {
        // One's own key is no reason to let go of one that was pinned for the name.
        None if case.is_own() => step(Outcome::Pass, "it is this node's own, signed with its key".into()),
        Some(pin) if pin.publisher == key => {
            step(Outcome::Pass, format!("by the key pinned for this name{}", since(pin)))
        }
        Some(pin) if case.signed_over => {
            step(Outcome::Note, format!("the pinned key has signed its name over to this one: {}", both(case, pin)))
        }
        Some(pin) if case.ground.accepted == Some(key) => {
            step(Outcome::Warn, format!("the key changed, and you accept it: {}", both(case, pin)))
        }
        Some(pin) => step(Outcome::Block, format!("the key changed: {}", both(case, pin))).hint(how_to_accept(case)),
        None => first_key(case),
    }
}

/// Both keys, where the release has another than the pinned one.
pub(super) fn change(case: &Case<'_>) -> Option<KeyChange> {
    let key = case.release.release().publisher;
    let pinned = case.pin.clone().filter(|pin| pin.publisher != key && !case.signed_over)?;
    Some(KeyChange { pinned, key, first_seen: case.first_seen(key) })
}

/// `, since 2026-01-31, when it was first installed`.
fn since(pin: &Pin) -> String {
    let how = match pin.origin {
        PinOrigin::Installed => "by its first install",
        PinOrigin::Accepted => "when you accepted it",
        PinOrigin::Rotated => "when the key before signed it over",
    };
    match pin.since {
        0 => format!(" {how}"),
        at => format!(" since {}, {how}", day(at)),
    }
}

/// The pinned key and the one of the release, as people compare them.
fn both(case: &Case<'_>, pin: &Pin) -> String {
    let key = case.release.release().publisher;
    format!(
        "pinned is {}{}; this one is signed by {}, {}",
        Fingerprint::of(&pin.publisher),
        since(pin),
        Fingerprint::of(&key),
        seen(case, key)
    )
}

fn seen(case: &Case<'_>, key: PublisherKey) -> String {
    case.first_seen(key).map_or_else(|| "never seen before".into(), |at| format!("first seen {}", day(at)))
}

fn how_to_accept(case: &Case<'_>) -> String {
    let release = case.release.release();
    format!(
        "only if the publisher confirms the new fingerprint: ggen-p2p-tui install {}@={} --accept-key {}",
        release.name, release.version, release.publisher
    )
}

fn first_key(case: &Case<'_>) -> Step {
    let key = case.release.release().publisher;
    let known = seen(case, key);
    Step::new(
        Code::Publisher,
        Outcome::Note,
        format!("no key is pinned for this name yet; installing pins {} ({known})", Fingerprint::of(&key)),
    )
    .hint("compare the fingerprint with one that the publisher gives elsewhere")
}

/// Others who use the name.
pub(super) fn same_name(case: &Case<'_>) -> Step {
    let release = case.release.release();
    let others: Vec<_> = case.sightings.iter().filter(|one| one.publisher != release.publisher).collect();
    if others.is_empty() {
        return Step::new(Code::SameName, Outcome::Pass, "nobody else uses this name, as far as this node knows");
    }
    let whose = |key: PublisherKey| if case.ground.own == Some(key) { " (you)" } else { "" };
    let told = others.iter().take(TOLD).map(|one| {
        format!("{}{} since {}", Fingerprint::of(&one.publisher), whose(one.publisher), day(one.first_seen))
    });
    let mut list = told.collect::<Vec<_>>().join(", ");
    if let Some(more) = others.len().checked_sub(TOLD).filter(|more| *more > 0) {
        list.push_str(&format!(" and {more} more"));
    }
    let text = format!("others use this name: {list}");
    if case.is_settled() {
        return Step::new(Code::SameName, Outcome::Note, text);
    }
    Step::new(Code::SameName, Outcome::Warn, text)
        .hint(format!("be sure whose you want; this one is --publisher {}", release.publisher))
}
