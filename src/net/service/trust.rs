//! Why a release is trusted, by what this node knows.

use crate::market::trust::Ground;

use super::super::clock::unix_now;
use super::super::context::Context;

/// What this node judges releases by, now.
pub fn ground(context: &Context) -> Ground {
    Ground {
        network: context.settings.network.name.clone(),
        now: unix_now(),
        cooldown: context.settings.security.install_cooldown.0,
        own: Some(context.identity.public()),
        accepted: None,
    }
}
