//! Pausing and ending downloads, and the limits of all transfers.

use super::ask;
use crate::app::bytes;
use crate::app::effect::Effect;
use crate::app::event::Tag;
use crate::app::key::{Code, Key};
use crate::app::state::{Cancel, Overlay, State, ToastKind};
use crate::net::api::{RateLimits, TransferState, TransferWish};
use crate::net::{NodeCommand, NodeError};

/// Has the selected download wait, or go on.
pub fn pause(state: &mut State) -> Vec<Effect> {
    let Some(row) = state.transfers.selected() else { return Vec::new() };
    let waits = row.info.state == TransferState::Paused;
    let (wish, word) = if waits { (TransferWish::Resume, "going on") } else { (TransferWish::Pause, "pausing") };
    let (id, text) = (row.info.id, format!("{word} with {}", row.info.name));
    ask::visibly(state, Tag::Transfer { id }, text, NodeCommand::Transfer { id, wish })
}

/// Asks how the selected download is to be ended.
pub fn ask_cancel(state: &mut State) {
    let Some(row) = state.transfers.selected() else { return };
    let info = &row.info;
    let cancel = Cancel { id: info.id, name: info.name.to_string(), come: info.bytes_done, choice: 0 };
    state.overlay = Some(Overlay::Cancel(cancel));
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
    let (id, wish) = (cancel.id, TransferWish::Cancel { keep });
    let text = format!("ending {}", cancel.name);
    ask::visibly(state, Tag::Transfer { id }, text, NodeCommand::Transfer { id, wish })
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
    let hint = "until the node ends; performance.download_limit and upload_limit keep it";
    state.toast(ToastKind::Info, text, Some(hint.into()));
    let command = NodeCommand::SetLimits { upload: Some(rates.upload), download: Some(rates.download) };
    vec![Effect::Request { tag: Tag::Limits, command }]
}

/// A wish or a limit was not taken.
pub fn refused(state: &mut State, error: &NodeError) {
    state.toast_error("not done", error);
}
