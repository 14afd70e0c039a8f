//! Peers remembered between runs.

use rusqlite::{Row, params};

use super::convert::{damaged, limit, to_i64, to_u64};
use super::{Db, PeerRecord};
use crate::market::{MarketError, SafeText};

/// Peers remembered; of those without a good record the ones not seen for longest go first, banned ones last.
pub const MAX_PEERS: usize = 1000;

/// Of them, banned ones: someone with many keys who lies once with each must not push out all others. Those
/// banned for ever are kept first.
const MAX_BANNED: usize = MAX_PEERS / 2;

/// Addresses remembered of one peer.
const MAX_ADDRS: usize = 8;

impl Db {
    /// All remembered peers, last seen first.
    pub fn peers(&mut self) -> Result<Vec<PeerRecord>, MarketError> {
        let mut query = self.conn.prepare_cached(
            "SELECT peer_id, addrs, agent, successes, failures, last_seen, banned_until, ban_reason, proven, conduct
             FROM peers ORDER BY last_seen DESC, peer_id",
        )?;
        let mut rows = query.query([])?;
        let mut peers = Vec::new();
        while let Some(row) = rows.next()? {
            peers.push(peer_in(row)?);
        }
        Ok(peers)
    }

    /// Remembers a peer as it is now, at most [`MAX_PEERS`] of them.
    pub fn save_peer(&mut self, peer: &PeerRecord) -> Result<(), MarketError> {
        let addrs: Vec<&String> = peer.addrs.iter().take(MAX_ADDRS).collect();
        let (addrs, conduct) = (to_json(&addrs)?, to_json(&peer.conduct)?);
        let tx = self.conn.transaction()?;
        tx.prepare_cached(
            "INSERT OR REPLACE INTO peers
                 (peer_id, addrs, agent, successes, failures, last_seen, banned_until, ban_reason, proven, conduct)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            peer.peer_id,
            addrs,
            peer.agent.as_str(),
            to_i64(peer.successes),
            to_i64(peer.failures),
            to_i64(peer.last_seen),
            to_i64(peer.banned_until),
            peer.ban_reason.as_str(),
            peer.proven,
            conduct,
        ])?;
        tx.prepare_cached(
            "DELETE FROM peers WHERE peer_id IN (
                 SELECT peer_id FROM peers WHERE banned_until > 0
                 ORDER BY banned_until DESC, last_seen DESC LIMIT -1 OFFSET ?1)",
        )?
        .execute([limit(MAX_BANNED)])?;
        tx.prepare_cached(
            "DELETE FROM peers WHERE peer_id IN (
                 SELECT peer_id FROM peers ORDER BY banned_until > 0 DESC, proven DESC, last_seen DESC
                 LIMIT -1 OFFSET ?1)",
        )?
        .execute([limit(MAX_PEERS)])?;
        Ok(tx.commit()?)
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<String, MarketError> {
    serde_json::to_string(value).map_err(|error| MarketError::Failed(error.to_string()))
}

fn peer_in(row: &Row<'_>) -> Result<PeerRecord, MarketError> {
    let addrs: String = row.get(1)?;
    Ok(PeerRecord {
        peer_id: row.get(0)?,
        addrs: serde_json::from_str(&addrs).map_err(|_| damaged("peer address list"))?,
        agent: SafeText::new(&row.get::<_, String>(2)?),
        successes: to_u64(row.get(3)?),
        failures: to_u64(row.get(4)?),
        last_seen: to_u64(row.get(5)?),
        banned_until: to_u64(row.get(6)?),
        ban_reason: SafeText::new(&row.get::<_, String>(7)?),
        proven: row.get::<_, i64>(8)? != 0,
        // A node does without what others did once, rather than not start.
        conduct: serde_json::from_str(&row.get::<_, String>(9)?).unwrap_or_default(),
    })
}
