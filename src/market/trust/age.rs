//! How long this node has known a release. A publisher can date a release as it likes, but not when it was first seen here.

use super::{Case, Code, Ground, Outcome, Step};
use crate::market::when::{span, time};
use crate::market::{Db, MarketError, Release, VerifiedRelease};

/// For how many more seconds a release has to wait before it is installed.
///
/// # Errors
/// The database cannot be read.
pub fn cooling(db: &mut Db, release: &VerifiedRelease, ground: &Ground) -> Result<u64, MarketError> {
    let signed = release.release();
    if ground.cooldown == 0 || ground.own == Some(signed.publisher) || is_installed(db, signed)? {
        return Ok(0);
    }
    // What the catalogue does not have is being seen now.
    let seen = db.first_seen(release.id())?.unwrap_or(ground.now);
    Ok(ground.cooldown.saturating_sub(ground.now.saturating_sub(seen)))
}

fn is_installed(db: &mut Db, release: &Release) -> Result<bool, MarketError> {
    Ok(db.installed_as(&release.name)?.is_some_and(|entry| entry.package_id == release.package_id))
}

/// When it was first seen, and whether it has to wait.
pub(super) fn first_seen(db: &mut Db, case: &Case<'_>) -> Result<Step, MarketError> {
    let ground = case.ground;
    let seen = db.first_seen(case.release.id())?.unwrap_or(ground.now);
    let age = ground.now.saturating_sub(seen);
    let step = |outcome, text: String| Step::new(Code::FirstSeen, outcome, text);
    let known = match age {
        0 => "first seen here just now".to_owned(),
        age => format!("first seen here {} ago, {}", span(age), time(seen)),
    };
    let left = cooling(db, case.release, ground)?;
    if left > 0 {
        let when = time(ground.now.saturating_add(left));
        let text = format!("{known}; it can be installed in {}, at {when}", span(left));
        let hint = "wait, name an older version, or lower security.install_cooldown";
        return Ok(step(Outcome::Block, text).hint(hint));
    }
    let spared = if age >= ground.cooldown {
        String::new()
    } else if case.is_own() {
        "; your own packages need not wait".to_owned()
    } else {
        "; it is installed already".to_owned()
    };
    Ok(step(Outcome::Pass, known + &spared))
}
