//! Panics of background tasks, told to the user while the dashboard goes on.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::app::event::Event;
use crate::net::api::NoticeLevel;

/// Who is told: the event loop that runs.
static TOLD: Mutex<Option<UnboundedSender<Event>>> = Mutex::new(None);

/// From now on the loop behind `sender` is told.
pub fn told_to(sender: UnboundedSender<Event>) {
    *TOLD.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
}

/// For the panic hook: tells the event loop that something broke down beside it.
pub fn tell_of_panic(what: &str) {
    let text = format!("a part of the program broke down: {}", first_line(what));
    let hint = Some("the rest goes on; the log has it all, please report it".to_owned());
    if let Some(sender) = TOLD.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        let _ = sender.send(Event::Notice { level: NoticeLevel::Error, text, hint });
    }
}

/// What was said, without where: that is for the log.
fn first_line(what: &str) -> &str {
    let said = what.lines().nth(1).or_else(|| what.lines().next());
    said.unwrap_or_default()
}

/// In debug builds, tests have the program break down: `GGEN_TEST_PANIC` is `task` or `loop`, and it happens once the node is
/// up.
#[cfg(debug_assertions)]
pub fn on_purpose(event: &Event) {
    if !matches!(event, Event::NodeReady { .. }) {
        return;
    }
    match std::env::var("GGEN_TEST_PANIC").as_deref() {
        Ok("task") => drop(tokio::spawn(async { panic!("on purpose, in a task") })),
        Ok("loop") => panic!("on purpose, in the loop"),
        _ => {}
    }
}

#[cfg(not(debug_assertions))]
pub fn on_purpose(_event: &Event) {}
