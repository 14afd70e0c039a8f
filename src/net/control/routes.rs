//! What each path of the control socket answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::{Stream, StreamExt, stream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::api::{NodeCommand, NodeEvent, NodeReply};
use super::super::error::{ErrorKind, NodeError};
use super::super::handle::EventStream;
use super::server::Backend;
use super::{ErrorBody, MAX_LISTENERS, MAX_REQUEST};

/// How long a command may take to arrive.
const SENDING: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Served<B> {
    backend: B,
    shutdown: CancellationToken,
    listeners: Arc<Semaphore>,
}

/// The routes of the [module's table](super).
pub fn router<B: Backend>(backend: B, shutdown: CancellationToken) -> Router {
    Router::new()
        .route("/v1/command", post(command::<B>))
        .route("/v1/events", get(events::<B>))
        .route("/v1/status", get(status::<B>))
        .route("/v1/peers", get(peers::<B>))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready::<B>))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(Served { backend, shutdown, listeners: Arc::new(Semaphore::new(MAX_LISTENERS)) })
}

async fn command<B: Backend>(State(served): State<Served<B>>, request: Request) -> Response {
    let body: Result<Bytes, BytesRejection> = match timeout(SENDING, Bytes::from_request(request, &())).await {
        Ok(body) => body,
        Err(_) => return stalled(),
    };
    let body = match body {
        Ok(body) => body,
        Err(rejected) => {
            let error = NodeError::new(ErrorKind::Usage, format!("the request cannot be read: {rejected}"))
                .hint(format!("send at most {MAX_REQUEST} bytes"));
            return (rejected.status(), Json(ErrorBody { error })).into_response();
        }
    };
    let command: NodeCommand = match serde_json::from_slice(&body) {
        Ok(command) => command,
        Err(error) => {
            return failure(
                NodeError::new(ErrorKind::Usage, format!("the request is no command: {error}"))
                    .hint(r#"send JSON such as {"command":"status"}"#),
            );
        }
    };
    match served.backend.request(command).await {
        Ok(reply) => Json(reply).into_response(),
        Err(error) => failure(error),
    }
}

/// A client that stops in the middle of its request must not keep its place.
fn stalled() -> Response {
    let error = NodeError::new(ErrorKind::Usage, format!("the request did not arrive within {} s", SENDING.as_secs()))
        .hint("send as many bytes as its content-length says");
    (StatusCode::REQUEST_TIMEOUT, Json(ErrorBody { error })).into_response()
}

async fn status<B: Backend>(State(served): State<Served<B>>) -> Response {
    match served.backend.request(NodeCommand::Status).await {
        Ok(NodeReply::Status(status)) => Json(status).into_response(),
        other => unexpected(other),
    }
}

async fn peers<B: Backend>(State(served): State<Served<B>>) -> Response {
    match served.backend.request(NodeCommand::Peers).await {
        Ok(NodeReply::Peers(peers)) => Json(serde_json::json!({ "peers": peers })).into_response(),
        other => unexpected(other),
    }
}

async fn ready<B: Backend>(State(served): State<Served<B>>) -> Response {
    if served.shutdown.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match served.backend.request(NodeCommand::Status).await {
        Ok(_) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn events<B: Backend>(State(served): State<Served<B>>) -> Response {
    let Ok(place) = served.listeners.try_acquire_owned() else {
        let error = NodeError::new(ErrorKind::Failed, format!("{MAX_LISTENERS} programs listen to this node already"))
            .hint("close a dashboard or a `feed --follow` that is not needed");
        return (StatusCode::SERVICE_UNAVAILABLE, Json(ErrorBody { error })).into_response();
    };
    match served.backend.subscribe() {
        Ok(events) => {
            // The place is free again when the stream is dropped.
            let stream = frames(events).take_until(served.shutdown.cancelled_owned()).inspect(move |_| {
                let _ = &place;
            });
            Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
        }
        Err(error) => failure(error),
    }
}

/// One frame for each event. A slow reader holds this stream up, and the bus drops events for it and counts them.
fn frames(events: EventStream) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    stream::unfold(events, |mut events| async move {
        let event = events.next().await?;
        Some((frame(&event), events))
    })
    .filter_map(|frame| async move { frame.map(Ok) })
}

fn frame(event: &NodeEvent) -> Option<Event> {
    match serde_json::to_string(event) {
        Ok(text) => Some(Event::default().data(text)),
        Err(error) => {
            tracing::warn!(%error, "an event cannot be written as JSON");
            None
        }
    }
}

async fn unknown() -> Response {
    failure(
        NodeError::new(ErrorKind::NotFound, "there is nothing at this path")
            .hint("use /v1/command, /v1/events, /v1/status, /v1/peers, /health or /ready"),
    )
}

async fn wrong_method() -> Response {
    let error = NodeError::new(ErrorKind::Usage, "this path takes another method")
        .hint("POST to /v1/command, GET everything else");
    (StatusCode::METHOD_NOT_ALLOWED, Json(ErrorBody { error })).into_response()
}

fn unexpected(answer: Result<NodeReply, NodeError>) -> Response {
    failure(match answer {
        Err(error) => error,
        Ok(_) => NodeError::new(ErrorKind::Failed, "the node answered something else than it was asked"),
    })
}

fn failure(error: NodeError) -> Response {
    (status_code(error.kind), Json(ErrorBody { error })).into_response()
}

fn status_code(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Usage => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Verification => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Network => StatusCode::BAD_GATEWAY,
        ErrorKind::NoNode => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Permission => StatusCode::FORBIDDEN,
        ErrorKind::Disk => StatusCode::INSUFFICIENT_STORAGE,
    }
}
