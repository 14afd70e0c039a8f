//! The other side of the control socket: what verbs and an attached dashboard use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Home;

use super::super::api::{NodeCommand, NodeEvent, NodeReply};
use super::super::error::{ErrorKind, NodeError};
use super::super::handle::EventStream;
use super::{ErrorBody, MAX_EVENT, MAX_REPLY, MAX_REQUEST, socket};

/// Events waiting for a slow reader on this side; the node's own bus drops beyond that, and says so.
const EVENTS: usize = 256;

/// A connection to a running node. Each request uses a socket connection of its own: cheap on a Unix socket, and a
/// request that is dropped is dropped at the node too.
#[derive(Clone, Debug)]
pub struct ControlClient {
    socket: PathBuf,
    patience: Patience,
}

/// How long a silent node is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the socket to accept, and for `/ready` to answer.
    pub(super) answer: Duration,
    /// Between looks at whether a node that works on a long command is still alive.
    pub(super) watch: Duration,
}

const PATIENCE: Patience = Patience { answer: Duration::from_secs(5), watch: Duration::from_secs(2) };

impl ControlClient {
    /// `Ok(None)` when no node runs on `home`.
    ///
    /// # Errors
    /// The socket is there but cannot be used: another user's, or a node that does not accept.
    pub async fn connect(home: &Home) -> Result<Option<Self>, NodeError> {
        Self::at(&home.socket_file()).await
    }

    /// The same for a socket path.
    pub async fn at(socket: &Path) -> Result<Option<Self>, NodeError> {
        Self::patient(socket, PATIENCE).await
    }

    pub(super) async fn patient(socket: &Path, patience: Patience) -> Result<Option<Self>, NodeError> {
        let client = Self { socket: socket.to_owned(), patience };
        Ok(client.open().await?.map(|_| client))
    }

    /// Sends `command` and waits for its answer. There is no limit on how long an install or a publish may take, as long
    /// as the node is alive.
    pub async fn request(&self, command: NodeCommand) -> Result<NodeReply, NodeError> {
        let body = serde_json::to_vec(&command).map_err(|e| self.broken(&e))?;
        if body.len() > MAX_REQUEST {
            let what = format!("that is too long for the node: {} bytes, {MAX_REQUEST} at most", body.len());
            return Err(NodeError::new(ErrorKind::Usage, what).hint("give it less at one time"));
        }
        let answering = self.exchange(post(body)?);
        let answer = tokio::select! {
            answer = answering => answer?,
            silent = self.watch() => return Err(silent),
        };
        serde_json::from_slice(&answer).map_err(|e| self.broken(&e))
    }

    /// Events from now on.
    pub async fn subscribe(&self) -> Result<EventStream, NodeError> {
        let response =
            timeout(self.patience.answer, self.send(get("/v1/events")?)).await.map_err(|_| self.hung())??;
        if !response.status().is_success() {
            return Err(self.read_error(response).await);
        }
        let (sender, receiver) = mpsc::channel(EVENTS);
        tokio::spawn(forward(response.into_body(), sender));
        Ok(EventStream { receiver })
    }

    /// Ends, with the error, when the node has stopped to answer.
    async fn watch(&self) -> NodeError {
        loop {
            tokio::time::sleep(self.patience.watch).await;
            let alive = async { self.exchange(get("/ready")?).await };
            match timeout(self.patience.answer, alive).await {
                Ok(Ok(_)) => {}
                // A node that stops says so in the answer to the request itself.
                Ok(Err(error)) if error.kind == ErrorKind::NoNode => {}
                Ok(Err(error)) => return error,
                Err(_) => return self.hung(),
            }
        }
    }

    async fn open(&self) -> Result<Option<tokio::net::UnixStream>, NodeError> {
        match timeout(self.patience.answer, socket::connect(&self.socket)).await {
            Err(_) => Err(self.hung()),
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => {
                let kind = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
                    _ => ErrorKind::Failed,
                };
                let what = format!("cannot use the control socket {}: {error}", self.socket.display());
                Err(NodeError::new(kind, what).hint("use the home directory's own user, or another --home"))
            }
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, NodeError> {
        let stream = self.open().await?.ok_or_else(|| self.gone())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.interrupted(&e))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "control connection ended");
            }
        });
        sender.send_request(request).await.map_err(|e| self.interrupted(&e))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Bytes, NodeError> {
        let response = self.send(request).await?;
        if !response.status().is_success() {
            return Err(self.read_error(response).await);
        }
        self.read(response).await
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Bytes, NodeError> {
        let body = Limited::new(response.into_body(), MAX_REPLY).collect().await;
        body.map(|b| b.to_bytes()).map_err(|e| self.interrupted(&*e))
    }

    async fn read_error(&self, response: Response<Incoming>) -> NodeError {
        let status = response.status();
        match self.read(response).await {
            Err(error) => error,
            Ok(body) => match serde_json::from_slice::<ErrorBody>(&body) {
                Ok(body) => body.error,
                Err(_) if status == hyper::StatusCode::SERVICE_UNAVAILABLE => self.gone(),
                Err(_) => self.broken(&format!("status {status}")),
            },
        }
    }

    fn gone(&self) -> NodeError {
        NodeError::new(ErrorKind::NoNode, format!("the node behind {} has stopped", self.socket.display()))
            .hint("start it again with `ggen-p2p-tui start`")
    }

    fn hung(&self) -> NodeError {
        let what = format!("the node behind {} does not answer", self.socket.display());
        NodeError::new(ErrorKind::Failed, what).hint("it may be overloaded or stopped by a debugger: restart it")
    }

    fn interrupted(&self, error: &dyn std::fmt::Display) -> NodeError {
        let what = format!("the node behind {} broke off: {error}", self.socket.display());
        NodeError::new(ErrorKind::NoNode, what).hint("start it again with `ggen-p2p-tui start`, and see its log")
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> NodeError {
        let what = format!("the node behind {} answered what cannot be read: {error}", self.socket.display());
        NodeError::new(ErrorKind::Failed, what).hint("it may be of another version: restart it")
    }
}

fn get(path: &'static str) -> Result<Request<Full<Bytes>>, NodeError> {
    build(Request::get(path), Bytes::new())
}

fn post(body: Vec<u8>) -> Result<Request<Full<Bytes>>, NodeError> {
    build(Request::post("/v1/command").header("content-type", "application/json"), body.into())
}

fn build(request: hyper::http::request::Builder, body: Bytes) -> Result<Request<Full<Bytes>>, NodeError> {
    request
        .header("host", "localhost")
        .body(Full::new(body))
        .map_err(|e| NodeError::new(ErrorKind::Failed, format!("cannot make the request: {e}")))
}

/// Reads server-sent events until the node ends them or nobody listens any more.
async fn forward(mut body: Incoming, sender: mpsc::Sender<NodeEvent>) {
    let mut lines = EventLines::default();
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = sender.closed() => return,
        };
        let Some(Ok(frame)) = frame else { return };
        let Ok(data) = frame.into_data() else { continue };
        let Ok(events) = lines.push(&data) else {
            tracing::warn!("an event over {MAX_EVENT} bytes: the event stream is given up");
            return;
        };
        for event in events {
            if sender.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// Splits the event stream into lines. Our server puts one event on one `data:` line, JSON having no line breaks.
#[derive(Default)]
pub(in crate::net) struct EventLines {
    rest: Vec<u8>,
}

/// A line over [`MAX_EVENT`].
#[derive(Debug, PartialEq)]
pub(in crate::net) struct TooLong;

impl EventLines {
    pub(in crate::net) fn push(&mut self, data: &[u8]) -> Result<Vec<NodeEvent>, TooLong> {
        let mut events = Vec::new();
        for piece in data.split_inclusive(|byte| *byte == b'\n') {
            if self.rest.len() + piece.len() > MAX_EVENT {
                return Err(TooLong);
            }
            self.rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                events.extend(parse_line(&self.rest));
                self.rest.clear();
            }
        }
        Ok(events)
    }
}

fn parse_line(line: &[u8]) -> Option<NodeEvent> {
    let json = line.strip_prefix(b"data:")?;
    // An event of a newer node that this client does not know is passed over.
    serde_json::from_slice(json).inspect_err(|error| tracing::debug!(%error, "event passed over")).ok()
}
