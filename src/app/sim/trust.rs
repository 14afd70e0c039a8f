//! Why a simulated release would be trusted, or not.

use super::world::World;
use crate::app::age::{Now, label};
use crate::market::trust::{Assessment, Code, Outcome, Step};
use crate::net::api::ReleaseInfo;

pub fn assess(world: &World, release: &ReleaseInfo, now: Now) -> Assessment {
    let others = world.releases.iter().filter(|one| one.name == release.name && one.publisher != release.publisher);
    let others = others.count();
    let known = world.installed.iter().any(|one| one.publisher == Some(release.publisher));
    let key = if known {
        Step::new(Code::Publisher, Outcome::Pass, "the key is the one that is pinned for this name")
    } else {
        Step::new(Code::Publisher, Outcome::Note, "a new key: installing pins it for this name")
    };
    let names = match others {
        0 => Step::new(Code::SameName, Outcome::Pass, "nobody else publishes under this name"),
        n => Step::new(Code::SameName, Outcome::Warn, format!("{n} releases under this name are by another key"))
            .hint("compare the fingerprints before you install"),
    };
    let age = label(now.since(release.first_seen));
    let steps = vec![
        Step::new(Code::Signature, Outcome::Pass, "signed by its publisher's key"),
        Step::new(Code::Network, Outcome::Pass, "made for this network"),
        Step::new(Code::Validity, Outcome::Pass, "not expired"),
        Step::new(Code::Content, Outcome::Note, "its bytes are checked as they come"),
        key,
        names,
        Step::new(Code::Revocation, Outcome::Pass, "the key was not revoked"),
        Step::new(Code::Yank, Outcome::Pass, "not withdrawn"),
        Step::new(Code::Head, Outcome::Pass, "the signed list of its versions has it"),
        Step::new(Code::FirstSeen, Outcome::Note, format!("known here for {age}")),
        Step::new(Code::LookAlike, Outcome::Pass, "no name like it is known"),
        Step::new(Code::Claims, Outcome::Note, format!("says that it comes from {}", release.repository)),
    ];
    Assessment { steps, key_change: None }
}
