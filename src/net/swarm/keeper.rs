//! What this node keeps of the DHT for others, on disk, so that a restart does not lose it. The store in memory is what
//! Kademlia asks; a thread of its own follows it here, so that no disk keeps the swarm waiting.
//!
//! A file of its own: it holds hints of strangers, which come again, so that a damaged one is thrown away and not mended.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use libp2p::kad::{ProviderRecord, Record, RecordKey};
use libp2p::{Multiaddr, PeerId};
use rusqlite::{Connection, params};

use super::command::DhtKey;
use super::records::{MAX_ADDRESSES, MAX_RECORDS};
use super::values;

/// Batches waiting for the disk. When it is slower, changes wait in the store in memory, where those of one record are one.
const WAITING: usize = 2;

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -512;
    CREATE TABLE IF NOT EXISTS dht_values (
        key BLOB PRIMARY KEY, value BLOB NOT NULL, publisher BLOB, expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS dht_providers (
        key BLOB NOT NULL, provider BLOB NOT NULL, addresses TEXT NOT NULL, expires_at INTEGER NOT NULL,
        PRIMARY KEY (key, provider)
    ) STRICT, WITHOUT ROWID;
";

/// A change of what is kept; times in Unix seconds.
#[derive(Debug)]
pub enum Change {
    Value { record: Record, expires_at: u64 },
    NoValue(RecordKey),
    Provider { record: ProviderRecord, expires_at: u64 },
    NoProvider(RecordKey, PeerId),
}

/// What was kept, as far as it is still in time and verifies.
#[derive(Default)]
pub struct Found {
    pub values: Vec<Record>,
    pub providers: Vec<ProviderRecord>,
}

/// The thread that writes. Dropped, it ends when it has written what it was given.
pub struct Keeper {
    changes: SyncSender<Vec<Change>>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Opens, or makes, the file and reads what is in it for `network` at `now` (Unix seconds). Blocks for as long as that takes.
    ///
    /// # Errors
    /// The file can be neither read nor made anew.
    pub fn open(path: &Path, network: &str, now: u64) -> rusqlite::Result<(Self, Found)> {
        let (conn, found) = read(path, network, now).or_else(|error| {
            tracing::warn!(%error, "the DHT records kept for others cannot be read: they are thrown away, and come again");
            remove(path);
            read(path, network, now)
        })?;
        let (changes, given) = sync_channel(WAITING);
        let thread = std::thread::spawn(move || write_all(conn, &given));
        Ok((Self { changes, thread }, found))
    }

    /// Has these written; gives them back when the disk does not keep up.
    pub fn keep(&self, changes: Vec<Change>) -> Result<(), Vec<Change>> {
        match self.changes.try_send(changes) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(changes) | TrySendError::Disconnected(changes)) => Err(changes),
        }
    }

    /// Writes these and all that was given before, then ends. Blocks for as long as that takes.
    pub fn finish(self, changes: Vec<Change>) {
        let _ = self.changes.send(changes);
        drop(self.changes);
        let _ = self.thread.join();
    }
}

fn read(path: &Path, network: &str, now: u64) -> rusqlite::Result<(Connection, Found)> {
    let conn = Connection::open(path)?;
    conn.execute_batch(SCHEMA)?;
    conn.execute("DELETE FROM dht_values WHERE expires_at <= ?", [signed(now)])?;
    conn.execute("DELETE FROM dht_providers WHERE expires_at <= ?", [signed(now)])?;
    let found = Found { values: read_values(&conn, network, now)?, providers: read_providers(&conn, now)? };
    Ok((conn, found))
}

fn read_values(conn: &Connection, network: &str, now: u64) -> rusqlite::Result<Vec<Record>> {
    let mut query = conn.prepare("SELECT key, value, publisher, expires_at FROM dht_values LIMIT ?")?;
    let rows = query.query_map([values::MAX_VALUES as i64], |row| {
        let publisher: Option<Vec<u8>> = row.get(2)?;
        Ok(Record {
            key: RecordKey::from(row.get::<_, Vec<u8>>(0)?),
            value: row.get(1)?,
            publisher: publisher.and_then(|bytes| PeerId::from_bytes(&bytes).ok()),
            expires: instant_of(row.get(3)?, now),
        })
    })?;
    let records: Vec<Record> = rows.collect::<rusqlite::Result<_>>()?;
    // A bit may have turned over; and another network may have used this home.
    Ok(records.into_iter().filter(|record| values::check(record, network, now).is_ok()).collect())
}

fn read_providers(conn: &Connection, now: u64) -> rusqlite::Result<Vec<ProviderRecord>> {
    let mut query = conn.prepare("SELECT key, provider, addresses, expires_at FROM dht_providers LIMIT ?")?;
    let rows = query.query_map([MAX_RECORDS as i64], |row| {
        let (key, provider): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let (addresses, expires): (String, i64) = (row.get(2)?, row.get(3)?);
        Ok((RecordKey::from(key), PeerId::from_bytes(&provider), addresses, instant_of(expires, now)))
    })?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let records = rows.into_iter().filter_map(|(key, provider, addresses, expires)| {
        DhtKey::from_key(&key)?;
        let addresses = addresses.split(' ').take(MAX_ADDRESSES).filter_map(|addr| addr.parse().ok()).collect();
        Some(ProviderRecord { key, provider: provider.ok()?, expires, addresses })
    });
    Ok(records.collect())
}

/// Runs until nobody can give it anything any more.
fn write_all(mut conn: Connection, given: &Receiver<Vec<Change>>) {
    while let Ok(changes) = given.recv() {
        let count = changes.len();
        if let Err(error) = write(&mut conn, changes) {
            tracing::warn!(%error, count, "DHT records of others were not written");
        }
    }
}

fn write(conn: &mut Connection, changes: Vec<Change>) -> rusqlite::Result<()> {
    let transaction = conn.transaction()?;
    for change in changes {
        apply(&transaction, change)?;
    }
    transaction.commit()
}

fn apply(conn: &Connection, change: Change) -> rusqlite::Result<()> {
    match change {
        Change::Value { record, expires_at } => {
            conn.prepare_cached("INSERT OR REPLACE INTO dht_values VALUES (?, ?, ?, ?)")?.execute(params![
                record.key.as_ref(),
                record.value,
                record.publisher.map(PeerId::to_bytes),
                signed(expires_at)
            ])?
        }
        Change::NoValue(key) => conn.prepare_cached("DELETE FROM dht_values WHERE key = ?")?.execute([key.as_ref()])?,
        Change::Provider { record, expires_at } => {
            conn.prepare_cached("INSERT OR REPLACE INTO dht_providers VALUES (?, ?, ?, ?)")?.execute(params![
                record.key.as_ref(),
                record.provider.to_bytes(),
                record.addresses.iter().map(Multiaddr::to_string).collect::<Vec<_>>().join(" "),
                signed(expires_at)
            ])?
        }
        Change::NoProvider(key, provider) => conn
            .prepare_cached("DELETE FROM dht_providers WHERE key = ? AND provider = ?")?
            .execute(params![key.as_ref(), provider.to_bytes()])?,
    };
    Ok(())
}

/// When in this run the Unix second `at` is, seen from `now`.
fn instant_of(at: i64, now: u64) -> Option<Instant> {
    let left = u64::try_from(at).unwrap_or(0).saturating_sub(now);
    Instant::now().checked_add(Duration::from_secs(left))
}

fn signed(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::testing::{NOW, identity, release, sign};
    use crate::market::{Head, PackageId};

    fn head(seed: u8) -> Record {
        let head = Head::of(&[sign(release(&identity(seed), "tool", "1.0.0"), &identity(seed))], NOW).unwrap();
        let key = DhtKey::of(&head).to_key();
        let publisher = Some(PeerId::random());
        Record { publisher, ..Record::new(key, head.sign(&identity(seed)).unwrap().to_bytes()) }
    }

    fn provider(n: u8) -> ProviderRecord {
        let key = DhtKey::Blob(PackageId([n; 32])).to_key();
        ProviderRecord::new(key, PeerId::random(), vec!["/ip4/8.8.8.8/tcp/1".parse().unwrap()])
    }

    #[test]
    fn what_is_kept_is_there_again_until_its_time_is_over_by_the_clock_on_the_wall() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dht.db");
        let (keeper, found) = Keeper::open(&path, "ggen", NOW).unwrap();
        assert!(found.values.is_empty() && found.providers.is_empty());
        let (short, long, kept, gone) = (provider(1), provider(2), head(1), head(2));
        keeper
            .keep(vec![
                Change::Provider { record: short, expires_at: NOW + 10 },
                Change::Provider { record: long.clone(), expires_at: NOW + 1000 },
                Change::Value { record: kept.clone(), expires_at: NOW + 1000 },
                Change::Value { record: gone.clone(), expires_at: NOW + 1000 },
            ])
            .unwrap();
        keeper.finish(vec![Change::NoValue(gone.key)]);
        let (keeper, found) = Keeper::open(&path, "ggen", NOW + 10).unwrap();
        let [again] = found.providers.as_slice() else { panic!("{:?}", found.providers) };
        assert_eq!((&again.key, again.provider, &again.addresses), (&long.key, long.provider, &long.addresses));
        let left = again.expires.unwrap().saturating_duration_since(Instant::now()).as_secs();
        assert!((900..=990).contains(&left), "{left}");
        let [again] = found.values.as_slice() else { panic!("{:?}", found.values) };
        assert_eq!((&again.key, &again.value, again.publisher), (&kept.key, &kept.value, kept.publisher));
        keeper.finish(vec![Change::NoProvider(long.key, long.provider)]);
        let (_keeper, found) = Keeper::open(&path, "ggen", NOW + 2000).unwrap();
        assert!(found.values.is_empty() && found.providers.is_empty());
    }

    #[test]
    fn what_does_not_verify_is_left_out_and_a_damaged_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dht.db");
        let (keeper, _) = Keeper::open(&path, "ggen", NOW).unwrap();
        let mut forged = head(1);
        *forged.value.last_mut().unwrap() ^= 1;
        let foreign = ProviderRecord { key: RecordKey::from(b"/ipfs/x".to_vec()), ..provider(1) };
        keeper.finish(vec![
            Change::Value { record: forged, expires_at: NOW + 1000 },
            Change::Value { record: head(2), expires_at: NOW + 1000 },
            Change::Provider { record: foreign, expires_at: NOW + 1000 },
        ]);
        let (keeper, found) = Keeper::open(&path, "ggen", NOW).unwrap();
        assert_eq!((found.values.len(), found.providers.len()), (1, 0));
        keeper.finish(Vec::new());
        let (keeper, found) = Keeper::open(&path, "other", NOW).unwrap();
        assert!(found.values.is_empty(), "a head is of one network");
        keeper.finish(Vec::new());
        std::fs::write(&path, vec![7; 100_000]).unwrap();
        let (keeper, found) = Keeper::open(&path, "ggen", NOW).unwrap();
        assert!(found.values.is_empty());
        keeper.finish(vec![Change::Value { record: head(2), expires_at: NOW + 1000 }]);
        assert_eq!(Keeper::open(&path, "ggen", NOW).unwrap().1.values.len(), 1);
    }
}
