//! What a long command is at, on one line of the terminal, gone when it is done.

use std::future::Future;
use std::io::{IsTerminal, Write};

use crate::app::output::human;
use crate::app::output::table::cut;
use crate::net::api::{Direction, NodeEvent, PublishStage, TransferInfo, TransferState};
use crate::net::{NodeError, NodeHandle};

use super::Context;

/// Does `work` and meanwhile shows what `node` tells of the publish `job` and of downloads. Says nothing where standard
/// error is no terminal or the answer is for a script.
pub async fn during<T>(
    context: &Context,
    node: &NodeHandle,
    job: Option<u64>,
    work: impl Future<Output = Result<T, NodeError>>,
) -> Result<T, NodeError> {
    let stderr = std::io::stderr();
    if !context.output.for_people() || !stderr.is_terminal() {
        return work.await;
    }
    let columns = rustix::termios::tcgetwinsize(&stderr).map_or(80, |size| usize::from(size.ws_col));
    let mut events = node.subscribe().await?;
    let mut line = ProgressLine { columns, shown: false };
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            event = events.next() => match event {
                Some(event) => line.show(text_of(&event, job)),
                None => return work.await,
            },
        }
    }
}

/// Takes its line away when it is dropped, also when the work is given up.
struct ProgressLine {
    columns: usize,
    shown: bool,
}

impl ProgressLine {
    fn show(&mut self, text: Option<String>) {
        let Some(text) = text else { return };
        self.shown = true;
        let text = cut(&text, self.columns.saturating_sub(1));
        let _ = write!(std::io::stderr().lock(), "\r\x1b[2K{text}");
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
        }
    }
}

fn text_of(event: &NodeEvent, job: Option<u64>) -> Option<String> {
    match event {
        NodeEvent::Publish { job: told, stage, seen_by } if Some(*told) == job => Some(stage_text(*stage, *seen_by)),
        NodeEvent::Transfer(transfer) if job.is_none() && transfer.direction == Direction::Inbound => {
            Some(transfer_text(transfer))
        }
        _ => None,
    }
}

fn stage_text(stage: PublishStage, seen_by: usize) -> String {
    match stage {
        PublishStage::Reading => "reading the manifest".to_owned(),
        PublishStage::Packing => "packing".to_owned(),
        PublishStage::Signing => "signing".to_owned(),
        PublishStage::Storing => "storing".to_owned(),
        PublishStage::Announcing => "announcing".to_owned(),
        PublishStage::Confirming => format!("waiting for peers: seen by {seen_by}"),
    }
}

fn transfer_text(transfer: &TransferInfo) -> String {
    match transfer.state {
        TransferState::Finding => format!("{}: looking for providers", transfer.name),
        TransferState::Paused => format!("{}: paused", transfer.name),
        TransferState::Verifying => format!("{}: verifying", transfer.name),
        TransferState::Done => format!("{}: done", transfer.name),
        TransferState::Failed => format!("{}: {}", transfer.name, transfer.note),
        TransferState::Running => {
            let percent = transfer.bytes_done.saturating_mul(100).checked_div(transfer.bytes_total).unwrap_or(0);
            let (done, total) = (human::bytes(transfer.bytes_done), human::bytes(transfer.bytes_total));
            format!("{}: {percent} % ({done} of {total})", transfer.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_job_that_was_asked_for_is_shown() {
        let event = NodeEvent::Publish { job: 7, stage: PublishStage::Confirming, seen_by: 2 };
        assert_eq!(text_of(&event, Some(7)).as_deref(), Some("waiting for peers: seen by 2"));
        assert_eq!(text_of(&event, Some(8)), None);
        assert_eq!(text_of(&event, None), None);
        assert_eq!(text_of(&NodeEvent::Stopping, None), None);
    }

    #[test]
    fn a_download_shows_how_far_it_is() {
        let transfer = TransferInfo {
            id: 1,
            direction: Direction::Inbound,
            name: "pack 1.0.0".into(),
            package_id: Default::default(),
            peer: None,
            bytes_done: 1 << 20,
            bytes_total: 4 << 20,
            leaves_done: 4,
            leaves_total: 16,
            leaves_resumed: 0,
            map: Vec::new(),
            can_wait: true,
            lanes: Vec::new(),
            state: TransferState::Running,
            note: Default::default(),
            started_at: 0,
            elapsed_ms: 0,
        };
        let shown = |transfer: &TransferInfo| text_of(&NodeEvent::Transfer(transfer.clone()), None);
        assert_eq!(shown(&transfer).as_deref(), Some("pack 1.0.0: 25 % (1.0 MiB of 4.0 MiB)"));
        let empty = TransferInfo { bytes_done: 0, bytes_total: 0, ..transfer.clone() };
        assert_eq!(shown(&empty).as_deref(), Some("pack 1.0.0: 0 % (0 B of 0 B)"));
        assert_eq!(shown(&TransferInfo { direction: Direction::Outbound, ..transfer }), None);
    }
}
