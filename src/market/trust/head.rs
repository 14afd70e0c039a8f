//! What the publisher says of its versions and of its key, beside the release itself.

use super::{Case, Code, Fingerprint, Outcome, Step};
use crate::market::store::HeadStanding;
use crate::market::when::day;
use crate::market::{Db, MarketError};

/// Whether the key was withdrawn, or replaced by another.
pub(super) fn revocation(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let key = case.release.release().publisher;
    let step = |outcome, text: String| Step::new(Code::Revocation, outcome, text);
    let successor = db.successor(key)?;
    if let Some(revoked) = db.revocation(key)? {
        let text = format!("the key was revoked on {}, by itself: {}", day(revoked.signed_at), revoked.reason);
        return Ok(step(Outcome::Block, text).hint(match successor {
            Some(next) => {
                format!("its publisher goes on with the key {}: look for a release by {next}", Fingerprint::of(&next))
            }
            None => "ask the publisher for the key that took its place".into(),
        }));
    }
    Ok(match successor {
        Some(next) => step(
            Outcome::Note,
            format!("its publisher goes on with another key, {}; this one may be older", Fingerprint::of(&next)),
        ),
        None => step(Outcome::Pass, "its key was neither revoked nor replaced, as far as this node knows".into()),
    })
}

/// What the signed list of the package's versions says of this one, and of others that may be held back.
pub(super) fn head(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let release = case.release.release();
    let standing = db.head_standing(release.publisher, &release.name, case.ground.now)?;
    let step = |outcome, text: String| Step::new(Code::Head, outcome, text);
    let Some(standing) = standing else {
        let text = "the publisher's signed list of its versions is not known here: whether a newer one is held back \
                    cannot be told";
        return Ok(step(Outcome::Note, text.into()));
    };
    let dated = format!("the publisher's signed list of its versions, of {}", day(standing.signed_at));
    if standing.unseen.iter().any(|listed| listed.version == release.version && listed.yanked) {
        let text = format!("{dated}, says that this version was withdrawn; the reason has not arrived here");
        return Ok(step(Outcome::Block, text).hint("choose another version, or wait until it has"));
    }
    if standing.equivocated {
        let text = format!("{dated}, contradicts another one that it signed");
        return Ok(step(Outcome::Warn, text).hint("its key may be in two hands: ask the publisher"));
    }
    if let Some(hidden) = held_back(&standing, case) {
        let text = format!("{dated}, has version {hidden}, which this node has not seen: somebody may hold it back");
        return Ok(step(Outcome::Warn, text).hint("connect to other peers, and look again"));
    }
    if standing.expired {
        let text = format!(
            "{dated}, expired on {}: whether a newer one is held back cannot be told",
            day(standing.expires_at)
        );
        return Ok(step(Outcome::Note, text));
    }
    Ok(match &standing.newest {
        Some(newest) if *newest > release.version => step(Outcome::Note, format!("{dated}, has a newer one: {newest}")),
        _ => step(Outcome::Pass, format!("{dated}, has none newer, and nothing that this node has not seen")),
    })
}

/// The highest version that the list has above this one and this node has not seen.
fn held_back<'a>(standing: &'a HeadStanding, case: &Case<'_>) -> Option<&'a semver::Version> {
    let above =
        |listed: &&crate::market::head::HeadVersion| !listed.yanked && listed.version > case.release.release().version;
    standing.unseen.iter().find(above).map(|listed| &listed.version)
}
