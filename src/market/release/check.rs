//! The rules that a decoded release must keep, whoever made it.

use super::{MAX_CLOCK_SKEW, MAX_VALIDITY, Release, refused};
use crate::market::archive::{MAX_ARCHIVE, MAX_FILES};
use crate::market::{MarketError, NotNow, SafeText};

/// The largest sequence number and time: what a double holds exactly (RFC 8259 section 6), so that every reader of the
/// JSON sees the number that was signed.
pub(in crate::market) const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Rules that hold at any time and on any network.
pub(super) fn fields(release: &Release) -> Result<(), MarketError> {
    rule(is_network_name(&release.network), || "its network name is not 1 to 64 printable ASCII characters".into())?;
    rule((1..=MAX_ARCHIVE).contains(&release.size), || {
        format!("its archive size of {} bytes is not between 1 and {MAX_ARCHIVE}", release.size)
    })?;
    rule((1..=MAX_FILES).contains(&release.file_count), || {
        format!("its file count of {} is not between 1 and {MAX_FILES}", release.file_count)
    })?;
    // One a second since 1970 is more than anyone publishes, and leaves room after every number that was ever valid: nobody
    // can bring a package to its last one.
    rule((1..=release.published_at.min(MAX_NUMBER)).contains(&release.sequence), || {
        format!("its sequence number {} is not between 1 and its time, {}", release.sequence, release.published_at)
    })?;
    rule((release.sequence == 1) == release.previous.is_none(), || {
        format!("with sequence number {} it must name its predecessor, and the first must not", release.sequence)
    })?;
    rule(release.expires_at <= MAX_NUMBER && release.published_at < release.expires_at, || {
        format!("it expires (at {}) before it was published (at {})", release.expires_at, release.published_at)
    })?;
    rule(release.expires_at - release.published_at <= MAX_VALIDITY, || {
        format!("it is valid for {} s, over {MAX_VALIDITY}", release.expires_at - release.published_at)
    })?;
    let reason = release.yank_reason.as_deref().map(str::trim);
    rule(reason != Some(""), || "it withdraws a version without saying why".into())
}

/// Rules that depend on where and when a release is read. `now` in Unix seconds.
pub(super) fn network_and_time(release: &Release, network: &str, now: u64) -> Result<(), MarketError> {
    let refused = |why, reason| Err(MarketError::NotNow(why, reason));
    if release.network != network {
        let theirs = SafeText::capped(&release.network, 64);
        return refused(NotNow::Network, format!("it belongs to the network '{theirs}', this node to '{network}'"));
    }
    if release.expires_at <= now {
        return refused(NotNow::Expired, format!("it expired at {} (Unix time)", release.expires_at));
    }
    if release.published_at > now.saturating_add(MAX_CLOCK_SKEW) {
        let at = release.published_at;
        let reason = format!("it claims to be published in the future, at {at} (Unix time; now {now})");
        return refused(NotNow::Future, reason);
    }
    Ok(())
}

pub(in crate::market) fn is_network_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn rule(kept: bool, reason: impl FnOnce() -> String) -> Result<(), MarketError> {
    if kept { Ok(()) } else { Err(refused(reason())) }
}
