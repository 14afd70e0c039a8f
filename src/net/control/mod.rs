//! The control socket: HTTP + JSON over a Unix socket, with server-sent events.
//!
//! | request | answer |
//! | --- | --- |
//! | `POST /v1/command`, a [`NodeCommand`](super::NodeCommand) as JSON | a [`NodeReply`](super::NodeReply) as JSON |
//! | `GET /v1/events` | server-sent events, each `data:` one [`NodeEvent`](super::NodeEvent) as JSON |
//! | `GET /v1/status`, `GET /v1/peers` | the answer alone, for `curl --unix-socket` |
//! | `GET /health` | 200 while the process serves |
//! | `GET /ready` | 200 while the node answers, else 503 |
//!
//! A failure has a 4xx or 5xx status and the body `{"error":{"code","message","hint"}}`.

pub mod client;
mod listener;
mod routes;
pub mod server;
mod socket;
#[cfg(test)]
mod tests;

pub use server::{Backend, serve};

/// Largest request body in bytes.
pub const MAX_REQUEST: usize = 64 * 1024;
/// Largest answer a client takes, in bytes: a plan with 10,000 files is well below.
pub const MAX_REPLY: usize = 32 * 1024 * 1024;
/// Largest single event a client takes, in bytes.
pub const MAX_EVENT: usize = 1024 * 1024;
/// Connections served at one time; more wait in the socket's queue.
pub const MAX_CONNECTIONS: usize = 64;

/// Event streams at one time: fewer than connections, so that however many listen, commands are still answered.
pub const MAX_LISTENERS: usize = 32;

/// An error as the body of an answer, and as verbs print it in JSON mode.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct ErrorBody {
    pub error: super::NodeError,
}
