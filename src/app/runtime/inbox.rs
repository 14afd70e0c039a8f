//! What comes back from work that was started elsewhere.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::app::event::Event;

/// Answers to requests. Each request brings exactly one, and only the user's keys make requests: it is bounded by them.
pub struct Inbox {
    sender: UnboundedSender<Event>,
    receiver: UnboundedReceiver<Event>,
}

impl Default for Inbox {
    fn default() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver }
    }
}

impl Inbox {
    pub fn sender(&self) -> UnboundedSender<Event> {
        self.sender.clone()
    }

    pub async fn next(&mut self) -> Event {
        match self.receiver.recv().await {
            Some(event) => event,
            // Cannot be: a sender lives in `self`.
            None => std::future::pending().await,
        }
    }
}
