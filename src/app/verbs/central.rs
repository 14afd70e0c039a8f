//! `central`, and how other verbs tell of the central indexes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::app::output::human;
use crate::config::cli::CentralVerb;
use crate::config::schema::RegistryMode;
use crate::net::api::CentralInfo;
use crate::net::{ErrorKind, NodeError};

use super::{Context, Session};

pub async fn central(context: &Context, session: &mut Session, verb: CentralVerb) -> Result<(), NodeError> {
    let node = session.open(context).await?;
    let indexes = node.central(matches!(verb, CentralVerb::Refresh)).await?;
    if indexes.is_empty() {
        let why = match context.loaded.settings.registry.mode {
            RegistryMode::P2p => "registry.mode is p2p: no central index is looked into",
            _ => "no central index is named: ggen-p2p-tui config edit registry.central FILE_OR_URL",
        };
        context.output.note(why);
    }
    let text = |index: &CentralInfo| {
        let skipped = index.skipped_first.iter().map(|one| format!("  skipped {one}\n")).collect::<String>();
        let more = index.skipped.saturating_sub(index.skipped_first.len() as u64);
        let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
        format!("{}\n{skipped}{more}", line(index))
    };
    context.output.answer(&json!({ "central": indexes }), |_| indexes.iter().map(text).collect())?;
    if matches!(verb, CentralVerb::Refresh) { unread(&indexes).map_or(Ok(()), Err) } else { Ok(()) }
}

/// Refreshing has failed where no index could be read; where some could, the answer says which could not.
fn unread(indexes: &[CentralInfo]) -> Option<NodeError> {
    let failed = indexes.iter().filter(|index| index.error.is_some() || index.fetching).count();
    if failed == 0 || failed < indexes.len() {
        return None;
    }
    let what = if failed == 1 { "the central index could not be read" } else { "no central index could be read" };
    Some(
        NodeError::new(ErrorKind::Network, what)
            .hint("see the reasons above; registry.central names the files and addresses"),
    )
}

/// Says on standard error which of the indexes that a search looked into could not be read anew, or at all.
pub fn notes(context: &Context, indexes: &[CentralInfo]) {
    for index in indexes.iter().filter(|index| index.error.is_some() || index.fetched_at.is_none()) {
        context.output.note(&format!("central: {}", line(index)));
    }
}

/// E.g. `https://…: 120 packages, fetched 3m ago`.
pub fn line(index: &CentralInfo) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("{}: {}", index.location, state(index, now))
}

fn state(index: &CentralInfo, now: u64) -> String {
    let ago = |at: u64| match now.saturating_sub(at) {
        0..=1 => "just now".to_owned(),
        seconds => format!("{} ago", human::duration(seconds)),
    };
    let packages = match index.packages {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    };
    let skipped = if index.skipped > 0 { format!(" ({} entries skipped)", index.skipped) } else { String::new() };
    match (&index.error, index.fetched_at, index.checked_at) {
        (Some(error), Some(at), checked) => {
            format!("unreachable ({error}), using the copy of {}: {packages}{skipped}", ago(checked.unwrap_or(at)))
        }
        (Some(error), None, _) => format!("unreachable ({error}), and there is no copy of it"),
        (None, Some(at), Some(checked)) if checked > at => {
            format!("{packages}{skipped}, fetched {}, unchanged {}", ago(at), ago(checked))
        }
        (None, Some(at), _) => format!("{packages}{skipped}, fetched {}", ago(at)),
        (None, None, _) if index.fetching => "being fetched".to_owned(),
        (None, None, _) => "not fetched yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_fails_only_where_nothing_could_be_read() {
        let good = CentralInfo { fetched_at: Some(1), ..CentralInfo::default() };
        let bad = CentralInfo { error: Some("x".into()), ..good.clone() };
        let late = CentralInfo { fetching: true, ..CentralInfo::default() };
        assert!(
            unread(&[]).is_none()
                && unread(std::slice::from_ref(&good)).is_none()
                && unread(&[bad.clone(), good]).is_none()
        );
        assert_eq!(unread(std::slice::from_ref(&bad)).unwrap().kind, ErrorKind::Network);
        assert!(unread(&[bad, late]).unwrap().message.starts_with("no central index"));
    }

    #[test]
    fn each_state_is_told_as_it_is() {
        let fresh =
            CentralInfo { packages: 120, fetched_at: Some(1000), checked_at: Some(1000), ..CentralInfo::default() };
        assert_eq!(state(&fresh, 1180), "120 packages, fetched 3m ago");
        let unchanged = CentralInfo { checked_at: Some(1170), skipped: 2, ..fresh.clone() };
        assert_eq!(state(&unchanged, 1171), "120 packages (2 entries skipped), fetched 2m 51s ago, unchanged just now");
        let old = CentralInfo { error: Some("HTTP 500".into()), ..fresh };
        assert_eq!(state(&old, 8200), "unreachable (HTTP 500), using the copy of 2h ago: 120 packages");
        let none = CentralInfo { error: Some("x".into()), ..CentralInfo::default() };
        assert_eq!(state(&none, 0), "unreachable (x), and there is no copy of it");
        assert_eq!(state(&CentralInfo::default(), 0), "not fetched yet");
    }
}
