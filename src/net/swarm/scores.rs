//! What this node thinks of its peers, for gossipsub; and who makes room when too many have come.

use std::cmp::Reverse;
use std::time::Duration;

use libp2p::connection_limits::Exceeded;
use libp2p::swarm::{ConnectionDenied, DialError, ListenError};

use super::super::limits::Limit;
use super::super::peers::{Guest, NEUTRAL, step};
use super::gate::{Held, Refused};
use super::task::Task;

/// A newcomer is not asked to make room before it had so long to be of use.
const PROBATION: Duration = Duration::from_secs(5);

impl Task {
    /// Gives gossipsub this node's own opinion of each connected peer, and notes what it makes of it.
    pub(super) fn score_peers(&mut self) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        for (peer, opinion) in self.book.opinions() {
            gossip.set_application_score(&peer, opinion);
            self.book.on_score(peer, gossip.peer_score(&peer));
        }
    }

    /// With more peers than wanted, the least useful of those that came by themselves goes: strangers who only hold a place must
    /// not keep others out. Where all are of use, it is who came last; who has only just come stays for a moment.
    pub(super) fn make_room(&mut self) {
        let gate = &self.swarm.behaviour().gate;
        let mut guests: Vec<Guest> =
            self.book.guests().into_iter().filter(|guest| gate.holds(guest.peer).is_none()).collect();
        let surplus = guests.len().saturating_sub(self.max_peers);
        if surplus == 0 {
            return;
        }
        self.book.limits().hit(Limit::Connections);
        guests.retain(|guest| guest.stayed >= PROBATION);
        let is_useful = |guest: &Guest| guest.standing > step(NEUTRAL);
        let (mut useful, mut leaving): (Vec<Guest>, Vec<Guest>) = guests.into_iter().partition(is_useful);
        leaving.sort_by_key(|guest| (guest.standing, Reverse(guest.stayed)));
        useful.sort_by_key(|guest| guest.stayed);
        leaving.extend(useful);
        for guest in leaving.into_iter().take(surplus) {
            tracing::debug!(peer = %guest.peer, "makes room");
            self.swarm.behaviour_mut().gate.hold(guest.peer, Held::MadeRoom);
            let _ = self.swarm.disconnect_peer_id(guest.peer);
        }
    }
}

/// The limit that refused an inbound connection, if one did.
pub(super) fn limit_in(error: &ListenError) -> Option<Limit> {
    let ListenError::Denied { cause } = error else { return None };
    limit_of(cause)
}

/// The limit that refused a dial of this node, if one did.
pub(super) fn limit_out(error: &DialError) -> Option<Limit> {
    let DialError::Denied { cause } = error else { return None };
    limit_of(cause)
}

fn limit_of(cause: &ConnectionDenied) -> Option<Limit> {
    match cause.downcast_ref::<Refused>() {
        Some(Refused::TooMany(_)) => return Some(Limit::ConnectionsOfAddress),
        Some(Refused::Banned(_)) => return Some(Limit::BannedAddress),
        Some(Refused::Memory(_)) => return Some(Limit::Memory),
        Some(Refused::Dials) => return Some(Limit::Dials),
        Some(Refused::Held(_)) => return None,
        None => {}
    }
    // Its kind is told in words only.
    let words = cause.downcast_ref::<Exceeded>()?.to_string();
    Some(match () {
        () if words.contains("pending") => Limit::Handshakes,
        () if words.contains("per peer") => Limit::ConnectionsOfPeer,
        () => Limit::Connections,
    })
}
