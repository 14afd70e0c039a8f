//! `/ggen/search/1.0.0`: a question to one peer's catalogue.

pub mod message;

use std::time::Duration;

use libp2p::{PeerId, Stream};
use tokio::sync::mpsc;

use crate::market::search::{Nobody, Query};

use super::super::context::Context;
use super::super::limits::Limit;
use super::frame::{FrameLimits, Framed};
use super::open::{SEND_LIMIT, ask};
use super::{ProtocolError, SEARCH_PROTOCOL, codec};
use message::{MAX_QUERY, MAX_REPLY, MAX_REQUEST, MAX_RESULTS, Query as Question, Reply};

/// How long an asker may take to say what it looks for.
const QUESTION: Duration = Duration::from_secs(5);

/// One answer of a peer; its envelope is not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub from: PeerId,
    pub envelope: Vec<u8>,
    /// Whether the peer says that it holds the bytes.
    pub have_blob: bool,
}

/// Answers one question from the local catalogue.
pub async fn serve(context: Context, peer: PeerId, mut stream: Framed<Stream>) -> Result<(), ProtocolError> {
    let question: Question = codec::decode(&stream.receive(FrameLimits::new(MAX_REQUEST).within(QUESTION)).await?)?;
    if question.text.len() > MAX_QUERY {
        return Err(
            codec::CodecError::TooMany { what: "query bytes", count: question.text.len(), limit: MAX_QUERY }.into()
        );
    }
    if !context.services.searches().allow(peer, std::time::Instant::now()) {
        context.peers.limits().hit(Limit::Searches);
        stream.send(&codec::encode(&Reply::Busy), SEND_LIMIT).await?;
        stream.close().await;
        return Ok(());
    }
    let limit = question.limit.clamp(1, MAX_RESULTS) as usize;
    let found = {
        let _turn = context.services.searching().await;
        let query = Query::parse(&question.text).from_other().limit(limit);
        context.store.run(move |db| db.search(&query, &Nobody)).await?
    };
    for hit in found.hits {
        let reply = Reply::Found(hit.release.envelope().to_bytes(), hit.have_blob);
        stream.send(&codec::encode(&reply), SEND_LIMIT).await?;
    }
    stream.send(&codec::encode(&Reply::End), SEND_LIMIT).await?;
    stream.close().await;
    Ok(())
}

/// Asks `peer`; each answer goes to `answers` as it comes (and is counted, [`MAX_RESULTS`] at most).
pub async fn search(
    context: &Context,
    peer: PeerId,
    query: &Question,
    limit: Duration,
    answers: mpsc::Sender<Answer>,
) -> Result<(), ProtocolError> {
    let limits = FrameLimits::new(MAX_REPLY).within(limit);
    let (mut stream, mut reply) = ask(context, peer, SEARCH_PROTOCOL, &codec::encode(query), limits).await?;
    for _ in 0..=query.limit.min(MAX_RESULTS) {
        match codec::decode(&reply)? {
            Reply::Found(envelope, have_blob) => {
                // The receiver is gone when the time for all answers is over.
                let _ = answers.send(Answer { from: peer, envelope, have_blob }).await;
            }
            Reply::End => {
                stream.close().await;
                return Ok(());
            }
            Reply::Busy => return Err(ProtocolError::Busy),
        }
        reply = stream.receive(limits).await?;
    }
    Err(ProtocolError::Unexpected)
}
