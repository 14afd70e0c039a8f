//! Carries changes of the book to the subscribers and to the store, a few times a second at most.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::market::Store;

use super::book::PeerBook;

/// A peer that changes all the time is reported at most once in this time.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// Changes are stored at most once in this time.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// Runs until `stop`, then stores what is left. Sleeps while nothing changes.
pub async fn run(book: PeerBook, store: Store, stop: CancellationToken) {
    let mut saved = Instant::now();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = book.changed() => {}
            () = tokio::time::sleep(SAVE_EVERY), if book.has_unsaved() => {}
        }
        book.report();
        if saved.elapsed() >= SAVE_EVERY && book.has_unsaved() {
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
