//! Carries changes of the book to the subscribers and to the store, a few times a second at most.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::market::Store;

use super::book::PeerBook;

/// A peer that changes all the time is reported at most once in this time.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// Changes are stored at most once in this time.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// And those with a new address: a node that is killed soon after it has met others finds them again.
const SAVE_SOON: Duration = Duration::from_millis(500);

/// Runs until `stop`, then stores what is left. Sleeps while nothing changes.
pub async fn run(book: PeerBook, store: Store, stop: CancellationToken) {
    let mut saved = Instant::now();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = book.changed() => {}
            () = tokio::time::sleep(pause(&book)), if book.has_unsaved() => {}
        }
        book.report();
        if saved.elapsed() >= pause(&book) && book.has_unsaved() {
            save(&book, &store).await;
            saved = Instant::now();
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(REPORT_EVERY) => {}
        }
    }
    save(&book, &store).await;
}

fn pause(book: &PeerBook) -> Duration {
    if book.has_unsaved_addr() { SAVE_SOON } else { SAVE_EVERY }
}

/// Stores all records that changed.
pub async fn save(book: &PeerBook, store: &Store) {
    let records = book.take_unsaved();
    if records.is_empty() {
        return;
    }
    let unsaved: Vec<_> = records.iter().filter_map(|record| record.peer_id.parse().ok()).collect();
    let saved = store.run(move |db| records.iter().try_for_each(|record| db.save_peer(record))).await;
    if let Err(error) = saved {
        tracing::warn!(%error, "cannot remember peers");
        // A disk that is full now need not be later.
        book.keep_unsaved(unsaved);
    }
}

#[cfg(test)]
mod tests {
    use libp2p::PeerId;
    use libp2p::swarm::ConnectionId;

    use super::super::super::api::Direction;
    use super::super::super::bus::EventBus;
    use super::super::entry::PeerSource;
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_new_address_is_stored_soon_and_what_else_changes_is_not() {
        let book = PeerBook::new(&Settings::default(), EventBus::new());
        let (peer, id) = (PeerId::random(), ConnectionId::new_unchecked(1));
        let connect = |addr| book.on_connected(peer, id, Direction::Outbound, addr, PeerSource::Manual, None);
        connect(None);
        assert!(book.has_unsaved() && pause(&book) == SAVE_EVERY, "nothing to find it by");
        let addr: libp2p::Multiaddr = "/ip4/9.9.9.9/tcp/1".parse().unwrap();
        connect(Some(addr.clone()));
        assert_eq!(pause(&book), SAVE_SOON);
        assert_eq!(book.take_unsaved()[0].addrs, [addr.to_string()]);
        connect(Some(addr.clone()));
        book.on_identified(peer, "agent", vec![addr], true);
        assert!(book.has_unsaved() && pause(&book) == SAVE_EVERY, "known already");
    }
}
