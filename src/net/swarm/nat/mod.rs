//! Being reached: what peers found when they tried (AutoNAT), ports that the router opens (UPnP), relays, and the direct way
//! that takes a relayed connection's place (DCUtR).

mod answer;
mod direct;
mod probe;
mod reachability;
mod relays;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use direct::Upgrades;
pub use probe::{Probe, is_public};
pub use reachability::{Reachability, Verdict};
pub use relays::Relays;
