//! Why a release is trusted, or not.
//!
//! [`assess`] is the one answer to that: the steps that `show --why`, the dashboard and an install go by. It reads what this
//! node knows and changes nothing.

mod age;
mod alike;
mod fingerprint;
mod head;
pub mod names;
mod publisher;
mod signed;
mod step;

#[cfg(test)]
mod tests;

pub use age::cooling;
pub use fingerprint::Fingerprint;
pub use step::{Assessment, Code, KeyChange, Outcome, Step};

use super::store::{Pin, PinOrigin, Sighting};
use super::{Db, MarketError, PackageName, PublisherKey, VerifiedRelease};

/// Where, when and for whom a release is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ground {
    /// The network this node belongs to.
    pub network: String,
    /// Unix seconds.
    pub now: u64,
    /// Seconds for which a release must have been known here before it is installed.
    pub cooldown: u64,
    /// This node's own key.
    pub own: Option<PublisherKey>,
    /// A key that the user takes in place of the pinned one, for this once.
    pub accepted: Option<PublisherKey>,
    /// Whether the user takes the version although it was withdrawn, for this once.
    pub yanked: bool,
}

/// What the steps go by.
struct Case<'a> {
    release: &'a VerifiedRelease,
    ground: &'a Ground,
    pin: Option<Pin>,
    /// Whether the pinned key has named this one in its place.
    signed_over: bool,
    /// Who uses the name, first seen first.
    sightings: Vec<Sighting>,
}

impl Case<'_> {
    fn is_own(&self) -> bool {
        self.ground.own == Some(self.release.release().publisher)
    }

    /// Whether the user has taken this key for this name before, or it is their own.
    fn is_settled(&self) -> bool {
        self.is_own()
            || self.signed_over
            || self.pin.as_ref().is_some_and(|pin| pin.publisher == self.release.release().publisher)
    }

    fn first_seen(&self, key: PublisherKey) -> Option<u64> {
        self.sightings.iter().find(|sighting| sighting.publisher == key).map(|sighting| sighting.first_seen)
    }
}

/// Why `release` is trusted, or not: the steps in the order in which one would ask.
///
/// # Errors
/// The database cannot be read.
pub fn assess(db: &mut Db, release: &VerifiedRelease, ground: &Ground) -> Result<Assessment, MarketError> {
    let name = &release.release().name;
    let pin = db.pin_of(name)?;
    let successor = match &pin {
        Some(pin) if pin.publisher != release.release().publisher => db.successor(pin.publisher)?,
        _ => None,
    };
    let signed_over = successor == Some(release.release().publisher);
    let case = Case { release, ground, pin, signed_over, sightings: db.publishers_of(name)? };
    let mut steps = vec![signed::signature(&case), signed::network(&case), signed::validity(&case)];
    steps.push(signed::content(db, &case)?);
    steps.push(publisher::key(&case));
    steps.push(publisher::same_name(&case));
    steps.push(head::revocation(db, &case)?);
    steps.push(signed::yank(db, &case)?);
    steps.push(head::head(db, &case)?);
    steps.push(signed::chain(db, &case)?);
    steps.push(age::first_seen(db, &case)?);
    steps.push(alike::name(db, &case)?);
    steps.push(signed::claims(&case));
    Ok(Assessment { steps, key_change: publisher::change(&case) })
}

/// Pins the key of what was installed under `name`, where another one was pinned and this one took its place. `now` in Unix
/// seconds. Only after [`assess`] has let the release through.
///
/// # Errors
/// The database cannot be written.
pub fn settle(db: &mut Db, name: &PackageName, publisher: PublisherKey, now: u64) -> Result<(), MarketError> {
    let Some(pin) = db.pin_of(name)?.filter(|pin| pin.publisher != publisher) else { return Ok(()) };
    let rotated = db.successor(pin.publisher)? == Some(publisher);
    let origin = if rotated { PinOrigin::Rotated } else { PinOrigin::Accepted };
    db.pin(&Pin { name: name.clone(), publisher, since: now, origin })
}
