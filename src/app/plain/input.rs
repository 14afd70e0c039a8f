//! What is typed, a line at a time, read on a thread of its own: standard input can only be waited for.

use std::io::{BufRead, Read};

use tokio::sync::mpsc::{Receiver, channel};

/// Bytes of a line at most.
const MAX_LINE: u64 = 4_096;
/// Lines that wait.
const WAITING: usize = 16;

/// Ends where standard input ends.
pub fn lines() -> Receiver<String> {
    let (sender, receiver) = channel(WAITING);
    // Without a thread nothing can be typed; what happens is told all the same.
    let _ = std::thread::Builder::new().name("input".into()).spawn(move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while matches!((&mut input).take(MAX_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim().to_owned();
            if sender.blocking_send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// Nothing is typed, ever.
pub fn silence() -> Receiver<String> {
    let (sender, receiver) = channel(1);
    // Kept for as long as the program runs.
    std::mem::forget(sender);
    receiver
}
