//! Who waits for the outcome of a dial.

use std::collections::HashMap;

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;

use super::super::error::{ErrorKind, NodeError};
use super::command::Reply;
use super::gate::Held;

/// What is waited for.
pub enum Waiter {
    /// That the other side has let us in, and is of this network: a connection counts only once identify has come over it, since
    /// a node that has banned us closes it only after we see it stand.
    Dial(Reply<Result<PeerId, NodeError>>),
    /// A connection; whoever asks will use it at once and see for itself.
    Ensure(Reply<Result<(), NodeError>>),
}

impl Waiter {
    pub fn answer(self, result: Result<PeerId, NodeError>) {
        match self {
            Self::Dial(reply) => drop(reply.send(result)),
            Self::Ensure(reply) => drop(reply.send(result.map(drop))),
        }
    }
}

struct Wait {
    /// Known from the address, or once it has answered.
    peer: Option<PeerId>,
    /// Whether a connection stands.
    stands: bool,
    waiter: Waiter,
}

/// At most one entry for each pending connection.
#[derive(Default)]
pub struct Waiting(HashMap<ConnectionId, Wait>);

impl Waiting {
    pub fn insert(&mut self, id: ConnectionId, peer: Option<PeerId>, waiter: Waiter) {
        self.0.insert(id, Wait { peer, stands: false, waiter });
    }

    pub fn contains(&self, id: ConnectionId) -> bool {
        self.0.contains_key(&id)
    }

    pub fn on_connected(&mut self, peer: PeerId, id: ConnectionId) {
        for (waiting, wait) in &mut self.0 {
            if *waiting == id || wait.peer == Some(peer) {
                (wait.peer, wait.stands) = (Some(peer), true);
            }
        }
        self.answer(|wait| wait.stands && matches!(wait.waiter, Waiter::Ensure(_)), || Ok(peer));
    }

    /// `peer` has said what it is, and this node lets go of it.
    pub fn on_unwanted(&mut self, peer: PeerId, why: &Held) {
        let unwanted = || {
            let error = NodeError::new(ErrorKind::Network, format!("cannot stay connected to {peer}: {why}"));
            Err(error.hint("only nodes of one network connect to each other (network.name)"))
        };
        self.answer(|wait| wait.peer == Some(peer) && wait.stands, unwanted);
    }

    /// `peer` has said what it is.
    pub fn on_welcomed(&mut self, peer: PeerId) {
        self.answer(|wait| wait.peer == Some(peer) && wait.stands, || Ok(peer));
    }

    /// The last connection with `peer` is gone.
    pub fn on_disconnected(&mut self, peer: PeerId) {
        let closed = || {
            let error = NodeError::new(ErrorKind::Network, format!("{peer} closed the connection at once"));
            Err(error.hint("it may have banned this node, have no place left, or be no node of this network"))
        };
        self.answer(|wait| wait.peer == Some(peer) && wait.stands, closed);
    }

    /// Who waited for the dial `id`, which has failed, and the peer it was for.
    pub fn on_failed(&mut self, id: ConnectionId) -> Option<(Option<PeerId>, Waiter)> {
        self.0.remove(&id).map(|wait| (wait.peer, wait.waiter))
    }

    fn answer(&mut self, whom: impl Fn(&Wait) -> bool, result: impl Fn() -> Result<PeerId, NodeError>) {
        for (_, wait) in self.0.extract_if(|_, wait| whom(wait)) {
            wait.waiter.answer(result());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[test]
    fn a_dial_counts_once_the_other_side_has_spoken() {
        let (mut waiting, peer) = (Waiting::default(), PeerId::random());
        let (id, other) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        let ((dial, mut dialled), (ensure, mut ensured)) = (oneshot::channel(), oneshot::channel());
        waiting.insert(id, None, Waiter::Dial(dial));
        waiting.insert(other, Some(peer), Waiter::Ensure(ensure));
        waiting.on_connected(peer, id);
        assert!(dialled.try_recv().is_err());
        assert_eq!(ensured.try_recv(), Ok(Ok(())));
        waiting.on_welcomed(peer);
        assert_eq!(dialled.try_recv(), Ok(Ok(peer)));
    }

    #[test]
    fn a_dial_that_is_closed_without_a_word_has_failed() {
        let (mut waiting, peer, id) = (Waiting::default(), PeerId::random(), ConnectionId::new_unchecked(1));
        let (dial, mut dialled) = oneshot::channel();
        waiting.insert(id, Some(peer), Waiter::Dial(dial));
        waiting.on_disconnected(peer);
        assert!(dialled.try_recv().is_err(), "an older connection's end says nothing of this dial");
        waiting.on_connected(peer, id);
        waiting.on_disconnected(peer);
        assert_eq!(dialled.try_recv().map(|result| result.map_err(|error| error.kind)), Ok(Err(ErrorKind::Network)));
    }
}
