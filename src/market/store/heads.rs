//! Package heads: which one is believed, and what it says that the catalogue does not.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, params};
use semver::Version;

use super::Db;
use super::convert::{self, to_i64};
use super::keys::Standing;
use crate::market::head::HeadVersion;
use crate::market::{Head, MarketError, PackageName, PublisherKey, ReleaseId, VerifiedHead, VerifiedRelease};

/// What became of a head given to [`Db::accept_head`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadAccepted {
    /// The best one now.
    New,
    /// Says nothing new.
    Known,
    /// Validly signed, and yet not taken.
    Refused(HeadFault),
}

/// Why a validly signed head is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// No release of the package is known.
    Unknown,
    /// Older than what is known: the sequence number it has, and the one known.
    Rollback(u64, u64),
    /// Its publisher signed another one for the same sequence number.
    Equivocation(u64),
    /// It does not go together with the releases that are known.
    MixAndMatch(String),
    /// Its publisher's key was revoked.
    Revoked,
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "no release of the package is known here"),
            Self::Rollback(theirs, ours) => {
                write!(f, "rollback: it has sequence number {theirs}, and {ours} was seen already")
            }
            Self::Equivocation(sequence) => {
                write!(f, "equivocation: its publisher signed two different heads with sequence number {sequence}")
            }
            Self::MixAndMatch(how) => write!(f, "mix-and-match: {how}"),
            Self::Revoked => write!(f, "its publisher's key was revoked"),
        }
    }
}

/// What the head of a package says beyond the catalogue. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadStanding {
    pub sequence: u64,
    pub signed_at: u64,
    pub expires_at: u64,
    /// It has expired: a newer version may be held back from this node, or the publisher has not been there since.
    pub expired: bool,
    /// Versions that the publisher lists and whose last word this node has not seen, highest first.
    pub unseen: Vec<HeadVersion>,
    /// The highest version that the publisher lists and has not withdrawn.
    pub newest: Option<Version>,
    /// How many versions the publisher says there are.
    pub total: u64,
    /// The publisher signed two heads that contradict each other.
    pub equivocated: bool,
}

impl Db {
    /// The best head of a package that this node was given; it may have expired.
    pub fn head(&mut self, publisher: PublisherKey, name: &PackageName) -> Result<Option<VerifiedHead>, MarketError> {
        Ok(stored(&self.conn, publisher, name)?.map(|(head, _)| head))
    }

    /// Weighs a head against what is known of the package; durable when this returns.
    ///
    /// A head whose last release is in the catalogue is supported by it: no lower one is taken any more. One that is ahead of
    /// the catalogue is taken too (that is how something held back shows), but it binds only until it expires or until its
    /// publisher signs another one later, so that a number far ahead cannot silence a package.
    pub fn accept_head(&mut self, head: &VerifiedHead) -> Result<HeadAccepted, MarketError> {
        let offered = head.head();
        let (publisher, name) = (offered.publisher, &offered.name);
        let Some((last, _)) = self.last_of(publisher, name)? else {
            return Ok(HeadAccepted::Refused(HeadFault::Unknown));
        };
        if Standing::of(&self.conn, publisher)?.revoked {
            return Ok(HeadAccepted::Refused(HeadFault::Revoked));
        }
        if offered.sequence < last {
            return Ok(HeadAccepted::Refused(HeadFault::Rollback(offered.sequence, last)));
        }
        if let Some((known, _)) = stored(&self.conn, publisher, name)? {
            match against(known.head(), offered, last) {
                Some(HeadAccepted::Refused(fault @ HeadFault::Equivocation(_))) => {
                    let update = "UPDATE heads SET conflict = 1 WHERE publisher = ?1 AND name = ?2";
                    self.conn.execute(update, params![publisher.0, name.as_str()])?;
                    return Ok(HeadAccepted::Refused(fault));
                }
                Some(decided) => return Ok(decided),
                None => {}
            }
        }
        if let Some(how) = self.contradiction(offered)? {
            return Ok(HeadAccepted::Refused(HeadFault::MixAndMatch(how)));
        }
        store(&self.conn, head)?;
        Ok(HeadAccepted::New)
    }

    /// What the package's head says beyond the catalogue, at `now` (Unix seconds); `None` when no head was ever seen.
    pub fn head_standing(
        &mut self,
        publisher: PublisherKey,
        name: &PackageName,
        now: u64,
    ) -> Result<Option<HeadStanding>, MarketError> {
        let Some((verified, equivocated)) = stored(&self.conn, publisher, name)? else { return Ok(None) };
        let head = verified.head();
        let mut unseen = Vec::new();
        for listed in &head.versions {
            if !self.is_known(listed.release)? {
                unseen.push(listed.clone());
            }
        }
        Ok(Some(HeadStanding {
            sequence: head.sequence,
            signed_at: head.signed_at,
            expires_at: head.expires_at,
            expired: head.expires_at <= now,
            newest: head.versions.iter().find(|listed| !listed.yanked).map(|listed| listed.version.clone()),
            unseen,
            total: head.total,
            equivocated,
        }))
    }

    /// The names that this publisher has releases of.
    pub fn names_of(&mut self, publisher: PublisherKey) -> Result<Vec<PackageName>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT name FROM packages
             WHERE substr(publisher, 1, 8) = substr(?1, 1, 8) AND publisher = ?1 ORDER BY name",
        )?;
        let names = query.query_map([publisher.0], |row| row.get::<_, String>(0))?;
        names.map(|name| convert::parsed(&name?, "package name")).collect()
    }

    /// The publisher's packages whose head is missing, behind its releases, or expires before `until` (Unix seconds).
    pub fn heads_due(&mut self, publisher: PublisherKey, until: u64) -> Result<Vec<PackageName>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT p.name FROM packages p LEFT JOIN heads h ON h.publisher = p.publisher AND h.name = p.name
             WHERE substr(p.publisher, 1, 8) = substr(?1, 1, 8) AND p.publisher = ?1
               AND (coalesce(h.expires_at, 0) <= ?2
                    OR coalesce(h.sequence, 0) < (SELECT max(r.sequence) FROM releases r WHERE r.package = p.key))
             ORDER BY p.name",
        )?;
        let names = query.query_map(params![publisher.0, to_i64(until)], |row| row.get::<_, String>(0))?;
        names.map(|name| convert::parsed(&name?, "package name")).collect()
    }

    /// How the head does not go together with the catalogue.
    fn contradiction(&mut self, head: &Head) -> Result<Option<String>, MarketError> {
        if let Some(known) = self.release(head.last)? {
            let last = known.release();
            if (last.publisher, &last.name, last.sequence) != (head.publisher, &head.name, head.sequence) {
                return Ok(Some(format!(
                    "its last release is {} {} with sequence number {}",
                    last.name, last.version, last.sequence
                )));
            }
        } else if self.last_of(head.publisher, &head.name)?.is_some_and(|(last, _)| last == head.sequence) {
            return Ok(Some(format!("another release than its last one has the sequence number {}", head.sequence)));
        }
        let known = self.versions(&head.name, Some(head.publisher))?;
        for listed in &head.versions {
            if let Some(how) = self.foreign(head, listed)? {
                return Ok(Some(how));
            }
        }
        for release in &known {
            if let Some(how) = self.disagrees(head, release)? {
                return Ok(Some(how));
            }
        }
        Ok(None)
    }

    /// A release that is known to be of something else than what it is listed as.
    fn foreign(&mut self, head: &Head, listed: &HeadVersion) -> Result<Option<String>, MarketError> {
        let Some(known) = self.release(listed.release)? else { return Ok(None) };
        let signed = known.release();
        let same = (signed.publisher, &signed.name, &signed.version) == (head.publisher, &head.name, &listed.version)
            && (signed.package_id, signed.yank_reason.is_some()) == (listed.package, listed.yanked);
        let how = || {
            format!("the release it lists for {} is another one: {} {}", listed.version, signed.name, signed.version)
        };
        Ok((!same).then(how))
    }

    /// Whether the head leaves out, or goes behind, the last word on a version that is known here.
    fn disagrees(&mut self, head: &Head, known: &VerifiedRelease) -> Result<Option<String>, MarketError> {
        let signed = known.release();
        let Some(listed) = head.find(&signed.version) else {
            let lowest = head.versions.last().map(|listed| &listed.version);
            let left_out = head.is_complete() || lowest.is_some_and(|lowest| signed.version > *lowest);
            return Ok(left_out.then(|| format!("it leaves out version {}, which is known here", signed.version)));
        };
        if listed.release == known.id() {
            return Ok(None);
        }
        if self.is_known(listed.release)? {
            return Ok(Some(format!("it goes behind the last word on version {}", signed.version)));
        }
        let both_live = !listed.yanked && signed.yank_reason.is_none();
        let how = || format!("it lists version {} with other bytes than its release", signed.version);
        Ok((both_live && listed.package != signed.package_id).then(how))
    }

    fn is_known(&mut self, release: ReleaseId) -> Result<bool, MarketError> {
        self.knows(release)
    }
}

/// What follows from the head known so far; `None`: nothing against the offered one. `last` is the catalogue's last sequence
/// number of the package.
fn against(known: &Head, offered: &Head, last: u64) -> Option<HeadAccepted> {
    let rollback = || HeadAccepted::Refused(HeadFault::Rollback(offered.sequence, known.sequence));
    if offered.sequence == known.sequence {
        return match (offered.agrees_with(known), offered.signed_at > known.signed_at) {
            (true, true) => None,
            (true, false) => Some(HeadAccepted::Known),
            (false, _) => Some(HeadAccepted::Refused(HeadFault::Equivocation(known.sequence))),
        };
    }
    // Whatever is not behind the catalogue is a question of which was said last.
    let supported = offered.sequence > known.sequence && offered.sequence <= last;
    (!supported && offered.signed_at <= known.signed_at).then(rollback)
}

/// Forgets the head of a package (`packages.key`) of which no release is left.
pub(super) fn forget_empty(conn: &Connection, package: i64) -> Result<(), MarketError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM heads WHERE (publisher, name) = (SELECT publisher, name FROM packages WHERE key = ?1)
         AND NOT EXISTS (SELECT 1 FROM releases WHERE package = ?1)",
    )?;
    delete.execute([package])?;
    Ok(())
}

fn stored(
    conn: &Connection,
    publisher: PublisherKey,
    name: &PackageName,
) -> Result<Option<(VerifiedHead, bool)>, MarketError> {
    let mut query = conn.prepare_cached("SELECT envelope, conflict FROM heads WHERE publisher = ?1 AND name = ?2")?;
    let row: Option<(Vec<u8>, bool)> =
        query.query_row(params![publisher.0, name.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((envelope, conflict)) = row else { return Ok(None) };
    let head = VerifiedHead::from_store(&envelope).map_err(|_| convert::damaged("package head"))?;
    Ok(Some((head, conflict)))
}

pub(super) fn store(conn: &Connection, verified: &VerifiedHead) -> Result<(), MarketError> {
    let head = verified.head();
    let mut upsert = conn.prepare_cached(
        "INSERT INTO heads (publisher, name, sequence, signed_at, expires_at, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (publisher, name) DO UPDATE SET sequence = excluded.sequence, signed_at = excluded.signed_at,
             expires_at = excluded.expires_at, envelope = excluded.envelope",
    )?;
    upsert.execute(params![
        head.publisher.0,
        head.name.as_str(),
        to_i64(head.sequence),
        to_i64(head.signed_at),
        to_i64(head.expires_at),
        verified.to_bytes(),
    ])?;
    Ok(())
}
