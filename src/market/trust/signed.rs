//! What the signed release itself says, and what it leaves open.

use super::{Case, Code, Outcome, Step};
use crate::market::release::MAX_CLOCK_SKEW;
use crate::market::when::{day, span};
use crate::market::{Db, MarketError};

/// Seconds before its end at which a release is said to expire soon.
const SOON: u64 = 30 * 24 * 60 * 60;

/// Signed by the key that it names. Checked anew: what came from the disk was not.
pub(super) fn signature(case: &Case<'_>) -> Step {
    let release = case.release.release();
    let fingerprint = super::Fingerprint::of(&release.publisher);
    // Network and time have steps of their own: here the release is read where and when it was made.
    match case.release.envelope().clone().verify(&release.network, release.published_at) {
        Ok(_) => Step::new(
            Code::Signature,
            Outcome::Pass,
            format!("the signature is good; the key is {}, fingerprint {fingerprint}", release.publisher),
        ),
        Err(error) => Step::new(Code::Signature, Outcome::Block, error.to_string())
            .hint("do not install it; the stored copy is damaged or forged"),
    }
}

pub(super) fn network(case: &Case<'_>) -> Step {
    let (theirs, ours) = (&case.release.release().network, &case.ground.network);
    if theirs == ours {
        return Step::new(Code::Network, Outcome::Pass, format!("it was signed for the network '{ours}', this node's"));
    }
    Step::new(
        Code::Network,
        Outcome::Block,
        format!("it was signed for the network '{theirs}', this node belongs to '{ours}'"),
    )
    .hint(format!("a node of the other network can install it: --network {theirs}"))
}

pub(super) fn validity(case: &Case<'_>) -> Step {
    let (release, now) = (case.release.release(), case.ground.now);
    let (from, until) = (day(release.published_at), day(release.expires_at));
    let step = |outcome, text: String| Step::new(Code::Validity, outcome, text);
    if release.expires_at <= now {
        step(Outcome::Block, format!("it expired on {until}")).hint("ask the publisher to renew it: publish it again")
    } else if release.published_at > now.saturating_add(MAX_CLOCK_SKEW) {
        step(Outcome::Block, format!("it says that it was published on {from}, which is to come"))
            .hint("check this machine's clock")
    } else if release.expires_at - now <= SOON {
        step(Outcome::Note, format!("published on {from}; it expires soon, in {}", span(release.expires_at - now)))
    } else {
        step(Outcome::Pass, format!("published on {from}, by the publisher's word; valid until {until}"))
    }
}

/// The bytes are checked when they come, leaf by leaf; here is said that they can be.
pub(super) fn content(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let id = case.release.release().package_id;
    let when = match db.blob(id)? {
        Some(_) => "the bytes are here, and checked again when it is installed",
        None => "every byte is checked against them when it is installed",
    };
    let text = format!("package id and Merkle root are signed ({id}); {when}");
    Ok(Step::new(Code::Content, Outcome::Pass, text))
}

/// The publisher's last word on the version.
pub(super) fn yank(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let release = case.release.release();
    let last = db.last_word(release.publisher, &release.name, &release.version)?;
    let later = last.as_ref().map(|last| last.release()).filter(|last| last.sequence > release.sequence);
    let reason = match later {
        Some(last) => last.yank_reason.as_ref(),
        None => release.yank_reason.as_ref(),
    };
    Ok(match reason {
        None => Step::new(Code::Yank, Outcome::Pass, "it was not withdrawn, as far as this node knows"),
        Some(reason) if case.ground.yanked => Step::new(
            Code::Yank,
            Outcome::Warn,
            format!("its publisher withdrew it, and you take it all the same: {reason}"),
        ),
        Some(reason) => {
            let text = format!("its publisher withdrew it: {reason}");
            let hint = format!("choose another version: ggen-p2p-tui show {}", release.name);
            Step::new(Code::Yank, Outcome::Block, text).hint(hint)
        }
    })
}

/// Its place in the chain of the publisher's releases of this name.
pub(super) fn chain(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let release = case.release.release();
    let newest = db.last_of(release.publisher, &release.name)?.map_or(release.sequence, |(sequence, _)| sequence);
    let place = match newest.checked_sub(release.sequence) {
        Some(1) => format!("release {} of the publisher's, one came after it", release.sequence),
        Some(later) if later > 1 => format!("release {} of the publisher's, {later} came after it", release.sequence),
        _ => format!("release {} of the publisher's, the last that is known", release.sequence),
    };
    let step = |outcome, text| Step::new(Code::Chain, outcome, text);
    Ok(match release.previous {
        None => step(Outcome::Pass, format!("{place}; the first of its chain")),
        Some(previous) if db.knows(previous)? => {
            step(Outcome::Pass, format!("{place}; the one before it is known, and is the one it names"))
        }
        Some(_) => {
            step(Outcome::Note, format!("{place}; the one before it is not known here: it expired, or has not arrived"))
        }
    })
}

/// What nobody but the publisher vouches for.
pub(super) fn claims(case: &Case<'_>) -> Step {
    let release = case.release.release();
    let said = |text: &str, what: &str| match text.trim() {
        "" => format!("no {what}"),
        text => format!("{what} {text}"),
    };
    let (licence, repository) = (said(&release.licence, "licence"), said(&release.repository, "repository"));
    Step::new(Code::Claims, Outcome::Note, format!("claimed by the publisher, not checked: {licence}, {repository}"))
}
