//! The rules that a decoded head must keep.

use super::{Head, MAX_HEAD_VALIDITY, refused};
use crate::market::release::MAX_CLOCK_SKEW;
use crate::market::release::check::{MAX_NUMBER, is_network_name};
use crate::market::{MarketError, SafeText};

/// Rules that hold at any time and on any network.
pub(super) fn fields(head: &Head) -> Result<(), MarketError> {
    rule(is_network_name(&head.network), || "its network name is not 1 to 64 printable ASCII characters".into())?;
    // As for releases: no head can claim a number that its publisher could not pass within seconds.
    rule((1..=head.signed_at.min(MAX_NUMBER)).contains(&head.sequence), || {
        format!("its sequence number {} is not between 1 and its time, {}", head.sequence, head.signed_at)
    })?;
    rule(!head.versions.is_empty(), || "it lists no version".into())?;
    let listed = head.versions.len() as u64;
    rule((listed..=head.sequence).contains(&head.total), || {
        format!("it lists {listed} of {} versions, made by {} releases", head.total, head.sequence)
    })?;
    rule(head.versions.iter().is_sorted_by(|a, b| a.version > b.version), || {
        "its versions are not each listed once, highest first".into()
    })?;
    rule(!head.is_complete() || head.versions.iter().any(|listed| listed.release == head.last), || {
        "it lists every version, but not its last release".into()
    })?;
    rule(head.signed_at < head.expires_at && head.expires_at <= MAX_NUMBER, || {
        format!("it expires (at {}) before it was signed (at {})", head.expires_at, head.signed_at)
    })?;
    rule(head.expires_at - head.signed_at <= MAX_HEAD_VALIDITY, || {
        format!("it is valid for {} s, over {MAX_HEAD_VALIDITY}", head.expires_at - head.signed_at)
    })
}

/// Rules that depend on where and when a head is read. `now` in Unix seconds.
pub(super) fn network_and_time(head: &Head, network: &str, now: u64) -> Result<(), MarketError> {
    rule(head.network == network, || {
        let theirs = SafeText::capped(&head.network, 64);
        format!("it belongs to the network '{theirs}', this node to '{network}'")
    })?;
    rule(head.expires_at > now, || {
        format!("it expired at {} (Unix time): a newer version may be held back", head.expires_at)
    })?;
    rule(head.signed_at <= now.saturating_add(MAX_CLOCK_SKEW), || {
        format!("it claims to be signed in the future, at {} (Unix time; now {now})", head.signed_at)
    })
}

fn rule(kept: bool, reason: impl FnOnce() -> String) -> Result<(), MarketError> {
    if kept { Ok(()) } else { Err(refused(reason())) }
}
