//! Answers of the node, as sentences.

use super::teller::heard;
use crate::app::output::human::{bytes, count, duration, short};
use crate::app::state::{Outcome as TransferOutcome, is_by_hand};
use crate::market::trust::Outcome;
use crate::net::api::{
    Direction, InstallPlan, InstalledInfo, PeerInfo, SearchAnswer, SearchHit, Status, TransferInfo, TransferState,
};
use crate::net::{NodeError, NodeReply};

/// What the node said to a question.
pub fn answer(reply: &NodeReply) -> Vec<String> {
    match reply {
        NodeReply::Status(status) => self::status(status),
        NodeReply::Peers(peers) => all(peers.iter().map(peer), "Nobody is connected."),
        NodeReply::Feed(items) => all(items.iter().map(heard), "Nothing has been announced."),
        NodeReply::Transfers(list) => all(list.iter().map(transfer), "Nothing was fetched or given."),
        NodeReply::Installed(list) => all(list.iter().map(installed), "Nothing is installed."),
        NodeReply::Connected { peer_id } => vec![format!("Connected to {}.", short(peer_id))],
        NodeReply::Why(assessment) => assessment
            .steps
            .iter()
            .map(|step| {
                let word = match step.outcome {
                    Outcome::Pass => "Good",
                    Outcome::Note => "Note",
                    Outcome::Warn => "Warning",
                    Outcome::Block => "Refused",
                };
                let hint = if step.hint.is_empty() { String::new() } else { format!("; {}", step.hint) };
                format!("{word}: {}{hint}.", step.text)
            })
            .collect(),
        NodeReply::Install(answer) => {
            let put = answer.installed.iter().map(|one| match one.action.changes() {
                true => format!("Installed {} {}, verified, in {}.", one.name, one.version, one.path),
                false => format!("{} {} was installed already.", one.name, one.version),
            });
            put.chain(answer.warnings.iter().map(|warning| format!("Warning: {warning}."))).collect()
        }
        _ => vec!["Done.".to_owned()],
    }
}

/// The sentences, or the one that says that there are none.
fn all(lines: impl Iterator<Item = String>, none: &str) -> Vec<String> {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { vec![none.to_owned()] } else { lines }
}

/// Why there is no answer.
pub fn failure(error: &NodeError) -> Vec<String> {
    let hint = error.hint.as_ref().map(|hint| format!("What to do: {hint}."));
    std::iter::once(format!("That failed: {}.", error.message)).chain(hint).collect()
}

fn status(status: &Status) -> Vec<String> {
    let reach = &status.reachability;
    let mut lines = vec![
        format!("This node is {} in the network {}.", short(&status.peer_id), status.network),
        format!("Connected to {}, up for {}.", count(status.connected_peers, "peer"), duration(status.uptime_s)),
        format!("It knows {} packages in {} releases.", status.catalog.packages, status.catalog.releases),
    ];
    if !reach.state.is_empty() {
        lines.push(format!("Others can reach it: {}, {}.", reach.state, reach.reason));
    }
    lines.extend(status.stale.as_ref().map(|why| format!("Its catalogue may be behind: {why}.")));
    lines.extend(status.notices.iter().map(|notice| format!("Notice: {notice}.")));
    lines
}

fn peer(peer: &PeerInfo) -> String {
    let id = short(&peer.peer_id);
    if peer.banned {
        return format!("{id} is banned: {}.", peer.ban_reason.as_deref().unwrap_or("no reason given"));
    }
    let reputation = match peer.evidence {
        0 => "reputation unknown".to_owned(),
        _ => format!("reputation {:.2}", peer.reputation),
    };
    let latency = peer.latency_ms.map(|ms| format!(", answers in {ms:.0} milliseconds")).unwrap_or_default();
    let agent = if peer.agent.is_empty() { String::new() } else { format!(", {}", peer.agent) };
    format!("{id}, {reputation}{latency}{agent}.")
}

fn transfer(transfer: &TransferInfo) -> String {
    let way = if transfer.direction == Direction::Inbound { "Fetching" } else { "Giving" };
    let state = match transfer.state {
        TransferState::Finding => "looking for who has it".to_owned(),
        TransferState::Running => {
            format!("{} of {}", bytes(transfer.bytes_done), bytes(transfer.bytes_total))
        }
        TransferState::Paused => "paused".to_owned(),
        TransferState::Verifying => "being verified".to_owned(),
        TransferState::Done if TransferOutcome::of(transfer) == Some(TransferOutcome::Partly) => {
            format!("ended, {} of {}", bytes(transfer.bytes_done), bytes(transfer.bytes_total))
        }
        TransferState::Done => format!("done, {}", bytes(transfer.bytes_total)),
        TransferState::Failed if is_by_hand(&transfer.name, &transfer.note) => transfer.note.to_string(),
        TransferState::Failed => format!("failed: {}", transfer.note),
    };
    format!("{way} {}: {state}.", transfer.name)
}

fn installed(one: &InstalledInfo) -> String {
    let withdrawn = one.yanked.as_ref().map(|why| format!(", withdrawn: {why}")).unwrap_or_default();
    format!("{} {}, {} files{withdrawn}.", one.name, one.version, one.files)
}

/// Numbered, to be shown and installed by their numbers.
pub fn results(answer: &SearchAnswer) -> Vec<String> {
    let asked = match answer.peers_asked {
        0 => "No peer was asked.".to_owned(),
        asked => format!("{} of {} answered.", answer.peers_answered, count(asked, "peer")),
    };
    let first = format!("{}. {asked}", count(answer.results.len(), "result"));
    let line = |(index, hit): (usize, &SearchHit)| {
        let here = hit.installed.as_ref().map(|version| format!(", {version} is installed")).unwrap_or_default();
        let unsigned = if hit.publisher.is_none() { ", unsigned" } else { "" };
        format!("{}: {} {}{here}{unsigned}: {}.", index + 1, hit.name, hit.version, hit.description)
    };
    std::iter::once(first).chain(answer.results.iter().enumerate().map(line)).collect()
}

/// What is known of a result.
pub fn about(hit: &SearchHit) -> Vec<String> {
    let publisher = hit.publisher.map_or_else(|| "nobody: it is unsigned".to_owned(), |key| key.to_string());
    let size = hit.size.map_or_else(|| "not known".to_owned(), bytes);
    vec![
        format!("{} {}: {}.", hit.name, hit.version, hit.description),
        format!("Published by {publisher}."),
        format!("Size {size}, licence {}, category {}.", hit.licence, hit.category),
    ]
}

/// What would be done.
pub fn plan(plan: &InstallPlan) -> Vec<String> {
    let mut lines: Vec<_> = plan
        .changes()
        .map(|step| {
            let from = step.from.as_ref().map(|from| format!(" in place of {from}")).unwrap_or_default();
            let size = match step.known_size() {
                _ if step.here => "it is here already".to_owned(),
                None => "its size is not known".to_owned(),
                Some(size) => bytes(size),
            };
            let unsigned = if step.publisher.is_none() { ", unsigned" } else { "" };
            format!("The plan: {} {} {}{from}, {size}{unsigned}.", step.action.name(), step.name, step.version)
        })
        .collect();
    if lines.is_empty() {
        return vec!["It is installed already; nothing is to be done.".to_owned()];
    }
    lines.extend(plan.absent.iter().map(|one| format!("Nobody knows {}, which {} needs.", one.name, one.needed_by)));
    let warned = plan.steps.iter().flat_map(|step| step.warnings.iter().map(move |text| (&step.name, text)));
    lines.extend(warned.map(|(name, text)| format!("Warning about {name}: {text}.")));
    lines
}
