//! The last log lines, and log lines as events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::super::api::{LogLine, NodeEvent};
use super::core::Core;

/// Lines kept.
const KEPT: usize = 1000;

#[derive(Default)]
pub struct LogRing {
    lines: Mutex<VecDeque<LogLine>>,
}

impl LogRing {
    fn push(&self, line: LogLine) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// The last `limit` lines, oldest first.
    pub fn last(&self, limit: usize) -> Vec<LogLine> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().skip(lines.len().saturating_sub(limit)).cloned().collect()
    }
}

/// Keeps and tells log lines until `stop`. Logs nothing itself: that would never end.
pub async fn run(core: Arc<Core>, mut lines: broadcast::Receiver<LogLine>, stop: CancellationToken) {
    loop {
        let received = tokio::select! {
            () = stop.cancelled() => return,
            received = lines.recv() => received,
        };
        match received {
            Ok(line) => {
                core.logs.push(line.clone());
                core.context.bus.emit(NodeEvent::Log(line));
            }
            // Lost lines are in the log file.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_oldest_first() {
        let ring = LogRing::default();
        for at_ms in 0..KEPT as u64 + 5 {
            let (level, target, message) = ("INFO".into(), "t".into(), "m".into());
            ring.push(LogLine { at_ms, level, target, message });
        }
        assert_eq!(ring.last(usize::MAX).len(), KEPT);
        let last: Vec<u64> = ring.last(2).iter().map(|line| line.at_ms).collect();
        assert_eq!(last, [KEPT as u64 + 3, KEPT as u64 + 4]);
    }
}
