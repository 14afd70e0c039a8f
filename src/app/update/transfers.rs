//! Pausing and ending downloads, and the limits of all transfers.

use super::{ask, settings};
use crate::app::bytes;
use crate::app::command::Id;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{Action, Cancel, Confirm, Overlay, State, ToastKind};
use crate::config::keys::{DOWNLOAD_LIMIT, UPLOAD_LIMIT};
use crate::config::units::ByteSize;
use crate::net::api::{Direction, RateLimits, TransferInfo, TransferState, TransferWish};
use crate::net::{NodeCommand, NodeError};

/// Has the selected download wait, or go on.
pub fn pause(state: &mut State) -> Vec<Effect> {
    let Some(row) = state.transfers.selected() else { return Vec::new() };
    let waits = row.info.state == TransferState::Paused;
    let (wish, word) = if waits { (TransferWish::Resume, "going on") } else { (TransferWish::Pause, "pausing") };
    let (id, text) = (row.info.id, format!("{word} with {}", row.info.name));
    ask::visibly(state, Tag::Transfer { id }, text, NodeCommand::Transfer { id, wish })
}

/// Asks how the selected download is to be ended, or whether the upload is.
pub fn ask_cancel(state: &mut State) {
    let Some(row) = state.transfers.selected() else { return };
    let info = &row.info;
    if info.direction == Direction::Outbound {
        let question = end_upload(info, state.name_of(info));
        state.overlay = Some(Overlay::Confirm(question));
        return;
    }
    let cancel = Cancel { id: info.id, name: info.name.to_string(), come: info.bytes_done, choice: 0 };
    state.overlay = Some(Overlay::Cancel(cancel));
}

fn end_upload(info: &TransferInfo, name: String) -> Confirm {
    let peer = info.peer.clone().unwrap_or_default();
    let facts = [("package", name.clone()), ("to", peer), ("then", "it gets nothing of it for ten minutes".to_owned())];
    Confirm {
        title: "End this upload?".into(),
        facts: facts.map(|(label, value)| (label.to_owned(), value)).to_vec(),
        yes: "end it",
        choice: true,
        dangerous: true,
        action: Action::EndUpload { id: info.id, name },
        ..Confirm::default()
    }
}

/// Ends a transfer; `keep` what has come of it.
pub fn end(state: &mut State, id: u64, name: &str, keep: bool) -> Vec<Effect> {
    let wish = TransferWish::Cancel { keep };
    ask::visibly(state, Tag::Transfer { id }, format!("ending {name}"), NodeCommand::Transfer { id, wish })
}

pub fn cancel_key(state: &mut State, mut cancel: Cancel, key: Key) -> Vec<Effect> {
    let last = Cancel::CHOICES.len() - 1;
    match key.code {
        Code::Esc | Code::Char('q' | 'n') => return Vec::new(),
        Code::Enter => return chosen(state, &cancel, cancel.choice),
        Code::Down | Code::Tab | Code::Char('j') => cancel.choice = (cancel.choice + 1).min(last),
        Code::Up | Code::BackTab | Code::Char('k') => cancel.choice = cancel.choice.saturating_sub(1),
        _ => {}
    }
    state.overlay = Some(Overlay::Cancel(cancel));
    Vec::new()
}

/// A line of the dialog was taken.
pub fn chosen(state: &mut State, cancel: &Cancel, choice: usize) -> Vec<Effect> {
    let Some((_, Some(keep))) = Cancel::CHOICES.get(choice).copied() else { return Vec::new() };
    end(state, cancel.id, &cancel.name, keep)
}

/// Sets other limits: at once on the screen, and told the node.
pub fn limit(state: &mut State, change: impl FnOnce(&mut RateLimits)) -> Vec<Effect> {
    let Some(status) = state.status.as_mut() else { return Vec::new() };
    let before = status.rates;
    change(&mut status.rates);
    let rates = status.rates;
    if rates == before {
        return Vec::new();
    }
    let name = |limit: u64| if limit == 0 { "no limit".to_owned() } else { format!("{}/s", bytes::size(limit)) };
    let text = format!("downloads: {}, uploads: {}", name(rates.download), name(rates.upload));
    state.toasts.retain(|toast| !toast.text.starts_with("downloads: "));
    let key = state.keymap.key_of(Id::SaveLimits).map(|key| key.to_string()).unwrap_or_default();
    let hint = format!("until the node ends; {key} keeps it in the settings");
    state.toast(ToastKind::Info, text, Some(hint));
    // Whether that is what the settings say is known once they are read.
    let read = state.settings.rows.is_none().then_some(Effect::ReadSettings);
    tell(rates).into_iter().chain(read).collect()
}

fn tell(rates: RateLimits) -> Vec<Effect> {
    let command = NodeCommand::SetLimits { upload: Some(rates.upload), download: Some(rates.download) };
    vec![Effect::Request { tag: Tag::Limits, command }]
}

/// Writes the limits that hold into the settings, each that is another there.
pub fn save_limits(state: &mut State) -> Vec<Effect> {
    let (Some(status), Some(set)) = (&state.status, state.settings.limits()) else { return Vec::new() };
    let limits =
        [(DOWNLOAD_LIMIT, set.download, status.rates.download), (UPLOAD_LIMIT, set.upload, status.rates.upload)];
    let others = limits.into_iter().filter(|(_, set, now)| set != now);
    state.settings.to_write = others.map(|(name, _, now)| (name.to_owned(), ByteSize(now).to_string())).collect();
    settings::write_next(state).into_iter().collect()
}

/// Other limits were set than `before`: from now on those hold.
pub fn take_set(state: &mut State, before: Option<RateLimits>) -> Vec<Effect> {
    let (Some(before), Some(set)) = (before, state.settings.limits()) else { return Vec::new() };
    let Some(status) = state.status.as_mut() else { return Vec::new() };
    let held = status.rates;
    if set.download != before.download {
        status.rates.download = set.download;
    }
    if set.upload != before.upload {
        status.rates.upload = set.upload;
    }
    let rates = status.rates;
    if rates == held || !state.is_ready() { Vec::new() } else { tell(rates) }
}

/// A wish or a limit was not taken.
pub fn refused(state: &mut State, error: &NodeError) {
    state.toast_error("not done", error);
}
