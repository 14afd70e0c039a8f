//! Trying for others whether they can be reached: AutoNAT's server, with a limit on how often, and the connections closed
//! again that it made.

use std::collections::{HashMap, VecDeque};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use either::Either;
use libp2p::autonat::v2::server;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::behaviour::DialFailure;
use libp2p::swarm::{
    CloseConnection, ConnectionDenied, ConnectionId, DialError, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{Multiaddr, PeerId};
use tokio::time::{Interval, interval};

use super::super::super::service::rate::{Bucket, Rate};

/// Trials for all others together: a second, and at once.
const RATE: Rate = Rate { per_second: 0.5, at_once: 8.0 };

/// How long a trial may take. Both sides give up after ten seconds, so that a dial into the void, which takes as long, must be
/// answered before: who asked would else never hear that it is behind a NAT.
const TRIAL: Duration = Duration::from_secs(6);

/// A dial for somebody.
struct Trial {
    client: PeerId,
    since: Instant,
    /// Answered as failed.
    overdue: bool,
}

/// Tries for peers whether they can be reached.
pub struct Answer {
    inner: server::Behaviour,
    rate: Bucket,
    /// Connections that stand, and how many may before the connection limits would make each trial fail: whoever asked would
    /// take itself for unreachable.
    standing: usize,
    room: usize,
    /// Connections made for a trial: as many as the rate lets in before they end.
    trials: HashMap<ConnectionId, Trial>,
    look: Interval,
    closing: VecDeque<(PeerId, ConnectionId)>,
}

impl Answer {
    /// `room`: connections that may stand while it still tries.
    pub fn new(room: usize) -> Self {
        Self {
            inner: server::Behaviour::default(),
            rate: Bucket::new(RATE, Instant::now()),
            standing: 0,
            room,
            trials: HashMap::new(),
            look: interval(Duration::from_secs(1)),
            closing: VecDeque::new(),
        }
    }

    /// Answers trials that take too long, as failed; the dial itself ends when it ends.
    fn answer_overdue(&mut self, now: Instant) {
        for (id, trial) in &mut self.trials {
            if !trial.overdue && now.saturating_duration_since(trial.since) >= TRIAL {
                trial.overdue = true;
                let failed =
                    DialFailure { peer_id: Some(trial.client), error: &DialError::Aborted, connection_id: *id };
                self.inner.on_swarm_event(FromSwarm::DialFailure(failed));
            }
        }
    }

    fn may_try(&mut self) -> bool {
        self.standing < self.room && self.rate.allow(RATE, Instant::now())
    }
}

impl NetworkBehaviour for Answer {
    type ConnectionHandler = <server::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = server::Event;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_inbound_connection(id, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        addr: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner.handle_established_outbound_connection(id, peer, addr, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match &event {
            FromSwarm::ConnectionEstablished(made) => {
                self.standing += 1;
                if self.trials.get(&made.connection_id).is_some_and(|trial| trial.overdue) {
                    self.closing.push_back((made.peer_id, made.connection_id));
                }
            }
            FromSwarm::ConnectionClosed(closed) => {
                self.standing = self.standing.saturating_sub(1);
                self.trials.remove(&closed.connection_id);
            }
            FromSwarm::DialFailure(failed) => drop(self.trials.remove(&failed.connection_id)),
            _ => {}
        }
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        // Dropped, it is answered as an error of ours, and asked of another.
        if !matches!(&event, Either::Right(Either::Left(_))) || self.may_try() {
            self.inner.on_connection_handler_event(peer, id, event);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some((peer_id, id)) = self.closing.pop_front() {
            return Poll::Ready(ToSwarm::CloseConnection { peer_id, connection: CloseConnection::One(id) });
        }
        while !self.trials.is_empty() && self.look.poll_tick(context).is_ready() {
            self.answer_overdue(Instant::now());
        }
        let polled = self.inner.poll(context);
        match &polled {
            Poll::Ready(ToSwarm::Dial { opts }) => {
                if let Some(client) = opts.get_peer_id() {
                    let trial = Trial { client, since: Instant::now(), overdue: false };
                    self.trials.insert(opts.connection_id(), trial);
                    // Polled again, so that the clock runs for it.
                    context.waker().wake_by_ref();
                }
            }
            Poll::Ready(ToSwarm::GenerateEvent(ended)) => {
                let over = |trial: &Trial| trial.client == ended.client && !trial.overdue;
                let over = self.trials.extract_if(|_, trial| over(trial));
                self.closing.extend(over.map(|(id, trial)| (trial.client, id)));
            }
            _ => {}
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trials_for_others_are_few_and_none_without_room() {
        let mut answer = Answer::new(3);
        let tried = (0..1000).filter(|_| answer.may_try()).count();
        assert!((8..20).contains(&tried), "{tried}");
        let mut full = Answer::new(3);
        full.standing = 3;
        assert!(!full.may_try());
    }

    #[tokio::test]
    async fn a_dial_into_the_void_is_answered_before_both_sides_give_up() {
        let (mut answer, now, client) = (Answer::new(3), Instant::now(), PeerId::random());
        let id = ConnectionId::new_unchecked(1);
        answer.trials.insert(id, Trial { client, since: now, overdue: false });
        answer.answer_overdue(now);
        assert!(!answer.trials[&id].overdue);
        answer.answer_overdue(now + TRIAL);
        assert!(answer.trials[&id].overdue);
        let error = DialError::Aborted;
        answer.on_swarm_event(FromSwarm::DialFailure(DialFailure {
            peer_id: Some(client),
            error: &error,
            connection_id: id,
        }));
        assert!(answer.trials.is_empty());
    }
}
