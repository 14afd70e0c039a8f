//! The search of this program, over a home as a node has it.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use ggen_p2p_tui::config::Home;
use ggen_p2p_tui::market::search::{Query, Standing};
use ggen_p2p_tui::market::{Db, PackageId, PublisherKey, SignedRelease, VerifiedRelease, parallel};

use super::{Engine, LIMIT};
use crate::corpus::{Corpus, NETWORK};
use crate::queries::{Kind, Question};
use crate::report::{process_time, thread_time};

/// Releases taken in at once.
const BATCH: usize = 5000;
/// Of so many the signature is checked by itself.
const CHECKED: usize = 20_000;

/// How long making a catalogue took.
#[derive(Default)]
pub struct Built {
    pub taking_in: Duration,
    /// The same by the clock of this thread: what it would take if nobody else used the machine, and the disk were idle.
    pub cpu: Duration,
    /// The slowest batch.
    pub slowest: Duration,
    pub checking: Duration,
    pub checked: usize,
    /// What is done afterwards, when nobody wants the database: the steps of merging the index.
    pub merging: Vec<Duration>,
}

/// Makes a catalogue of all releases of `corpus` in `home`.
pub fn build(corpus: &mut Corpus, home: &Path, now: u64) -> Built {
    let mut db = Db::open(&Home::new(home)).expect("a store");
    let mut built = Built::default();
    loop {
        let releases = corpus.next(BATCH);
        if releases.is_empty() {
            built.merging = merge(&mut db);
            let (begun, cpu) = (Instant::now(), thread_time());
            // Closing writes what is in the log.
            drop(db);
            built.taking_in += begun.elapsed();
            built.cpu += thread_time() - cpu;
            return built;
        }
        if built.checked < CHECKED {
            let envelopes: Vec<_> = releases.iter().map(|release| release.envelope().clone()).collect();
            let begun = Instant::now();
            for envelope in envelopes {
                envelope.verify(NETWORK, now).expect("a good signature");
                built.checked += 1;
            }
            built.checking += begun.elapsed();
        }
        let (begun, cpu) = (Instant::now(), thread_time());
        db.accept_all(&releases, now).expect("a batch");
        let taken = begun.elapsed();
        built.cpu += thread_time() - cpu;
        built.taking_in += taken;
        built.slowest = built.slowest.max(taken);
    }
}

fn merge(db: &mut Db) -> Vec<Duration> {
    let mut more = true;
    std::iter::from_fn(|| {
        more.then(|| {
            let begun = Instant::now();
            more = db.merge_words().expect("a step");
            begun.elapsed()
        })
    })
    .collect()
}

/// Takes all releases of `corpus` into `home` from their bytes, as they come from others: decoded, checked, stored, indexed.
/// While one batch is stored, the next is checked on the other cores. By the clock, and the CPU time of all threads.
pub fn take(corpus: &mut Corpus, home: &Path, now: u64) -> (Duration, Duration) {
    let batches = std::iter::from_fn(|| Some(corpus.next(BATCH)).filter(|releases| !releases.is_empty()));
    let bytes = |release: &VerifiedRelease| release.envelope().to_bytes();
    let batches: Vec<Vec<Vec<u8>>> = batches.map(|releases| releases.iter().map(bytes).collect()).collect();
    let check = |bytes: Vec<u8>| {
        SignedRelease::from_bytes(&bytes).and_then(|release| release.verify(NETWORK, now)).expect("a good release")
    };
    let (send, checked) = sync_channel(1);
    let mut db = Db::open(&Home::new(home)).expect("a store");
    let (begun, cpu) = (Instant::now(), process_time());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for batch in batches {
                send.send(parallel::map(batch, check)).expect("a reader");
            }
        });
        for releases in checked {
            db.accept_all(&releases, now).expect("a batch");
        }
    });
    drop(db);
    (begun.elapsed(), process_time() - cpu)
}

pub struct Ours(Db);

impl Ours {
    pub fn open(home: &Path) -> Self {
        Self(Db::open(&Home::new(home)).expect("a store"))
    }
}

impl Engine for Ours {
    fn search(&mut self, question: &Question) -> usize {
        let query = Query { facets: question.kind == Kind::Facets, ..Query::parse(&question.text) };
        self.0.search(&query.limit(LIMIT), &Peers).expect("an answer").hits.len()
    }

    fn names(&mut self, question: &Question) -> Vec<String> {
        let answer = self.0.search(&Query::parse(&question.text).limit(LIMIT), &Peers).expect("an answer");
        answer.hits.into_iter().map(|hit| hit.release.release().name.to_string()).collect()
    }
}

/// Holders and reputations as if drawn by lot.
struct Peers;

impl Standing for Peers {
    fn providers(&self, package: PackageId) -> usize {
        usize::from(package.0[0] % 16)
    }

    fn reputation(&self, _: PublisherKey, package: PackageId) -> Option<f64> {
        (package.0[1] > 50).then(|| f64::from(package.0[2]) / 255.0)
    }
}
