//! How fast to send: CUBIC (RFC 9438), which hears only of losses that a full line makes.
//!
//! A radio loses packets however slowly they come, and who slows down for each of them leaves most of such a line unused. What
//! tells the two apart is what TCP Veno goes by (Fu and Liew, 2003): a full line makes packets wait, so that round trips
//! grow, or it loses many at once.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, CubicConfig};
use quinn_proto::RttEstimator;

/// One lost byte in so many is the line's own, and as much more as a few packets have: one of ten is no sign of anything.
const TOLERATED: u64 = 20;
const FEW: u64 = 3 * 1500;

/// Packets wait where round trips take a quarter more than the shortest, and this much more at least: less is the work of
/// schedulers.
const WAITING: Duration = Duration::from_millis(10);

/// Makes a [`Patient`] for each connection.
#[derive(Default)]
pub struct PatientConfig {
    cubic: Arc<CubicConfig>,
}

impl ControllerFactory for PatientConfig {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Patient { inner: self.cubic.clone().build(now, current_mtu), line: Line::new(now) })
    }
}

struct Patient {
    inner: Box<dyn Controller>,
    line: Line,
}

impl Controller for Patient {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.inner.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(&mut self, now: Instant, sent: Instant, bytes: u64, app_limited: bool, rtt: &RttEstimator) {
        self.line.arrived(now, sent, bytes, (rtt.get(), rtt.min()));
        self.inner.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(&mut self, now: Instant, in_flight: u64, app_limited: bool, largest_acked: Option<u64>) {
        self.inner.on_end_acks(now, in_flight, app_limited, largest_acked);
    }

    /// Where nothing arrives at all, or a router says itself that it is full (no bytes are lost then), there is no doubt.
    fn on_congestion_event(&mut self, now: Instant, sent: Instant, is_persistent_congestion: bool, lost_bytes: u64) {
        let is_full = self.line.lost(lost_bytes);
        if is_full || is_persistent_congestion || lost_bytes == 0 {
            self.inner.on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.inner.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        self.inner.window()
    }

    fn metrics(&self) -> ControllerMetrics {
        self.inner.metrics()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self { inner: self.inner.clone_box(), line: self.line })
    }

    fn initial_window(&self) -> u64 {
        self.inner.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// What became of the packets of this round trip and of the one before.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// A packet sent after this opens the next round trip when it arrives.
    since: Instant,
    now: Round,
    before: Round,
    waits: bool,
}

/// Bytes of a round trip.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    arrived: u64,
    lost: u64,
}

impl Line {
    fn new(now: Instant) -> Self {
        Self { since: now, now: Round::default(), before: Round::default(), waits: false }
    }

    /// `rtt`: as round trips are now, and the shortest.
    fn arrived(&mut self, now: Instant, sent: Instant, bytes: u64, rtt: (Duration, Duration)) {
        if sent > self.since {
            (self.before, self.now, self.since) = (self.now, Round::default(), now);
        }
        self.now.arrived += bytes;
        let (current, shortest) = rtt;
        self.waits = current > shortest + (shortest / 4).max(WAITING);
    }

    /// Whether that was because the line is full.
    fn lost(&mut self, bytes: u64) -> bool {
        self.now.lost += bytes;
        let lost = self.now.lost + self.before.lost;
        let sent = lost + self.now.arrived + self.before.arrived;
        self.waits || lost > sent / TOLERATED + FEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: u64 = 1452;
    const RTT: Duration = Duration::from_millis(200);

    /// Sends `rounds` of 1,000 packets of which every `nth` is lost; gives how many losses were taken for a full line.
    fn full(line: &mut Line, begun: Instant, rounds: u32, nth: u64, rtt: (Duration, Duration)) -> usize {
        let mut full = 0;
        for round in 1..=rounds {
            let (sent, now) = (begun + RTT * round, begun + RTT * (round + 1));
            for packet in 1..=1_000 {
                if packet % nth == 0 {
                    full += usize::from(line.lost(PACKET));
                } else {
                    line.arrived(now, sent, PACKET, rtt);
                }
            }
        }
        full
    }

    #[test]
    fn some_losses_are_the_line_s_own_and_many_are_not() {
        let begun = Instant::now();
        let steady = (RTT, RTT);
        assert_eq!(full(&mut Line::new(begun), begun, 20, 50, steady), 0);
        assert!(full(&mut Line::new(begun), begun, 20, 10, steady) > 1_000);
    }

    #[test]
    fn where_packets_wait_each_loss_counts() {
        let begun = Instant::now();
        let (little, much) = (RTT + RTT / 5, RTT + RTT / 3);
        assert_eq!(full(&mut Line::new(begun), begun, 5, 50, (little, RTT)), 0);
        assert_eq!(full(&mut Line::new(begun), begun, 5, 50, (much, RTT)), 100);
        // A millisecond on loopback is many times the shortest, and nothing.
        let loopback = Duration::from_micros(50);
        assert_eq!(full(&mut Line::new(begun), begun, 5, 50, (Duration::from_millis(1), loopback)), 0);
    }

    #[test]
    fn a_few_packets_prove_nothing_and_what_is_long_past_is_forgotten() {
        let begun = Instant::now();
        let mut line = Line::new(begun);
        assert_eq!(
            (line.lost(PACKET), line.lost(PACKET), line.lost(PACKET), line.lost(PACKET)),
            (false, false, false, true)
        );
        assert_eq!(full(&mut line, begun, 2, u64::MAX, (RTT, RTT)), 0);
        assert!(!line.lost(PACKET));
    }

    #[test]
    fn the_window_shrinks_for_what_a_full_line_loses_and_only_for_that() {
        let now = Instant::now();
        let mut controller = Arc::new(PatientConfig::default()).build(now, 1452);
        let begun = controller.window();
        assert_eq!(begun, controller.initial_window());
        let later = now + RTT;
        controller.on_congestion_event(later, later, false, PACKET);
        assert_eq!(controller.window(), begun, "one packet");
        controller.on_congestion_event(later, later, false, 10 * PACKET);
        let shrunk = controller.window();
        assert!(shrunk < begun, "eleven of eleven");
        let later = later + RTT;
        controller.on_congestion_event(later, later, false, 0);
        let marked = controller.window();
        assert!(marked < shrunk, "a router said so");
        controller.on_congestion_event(later + RTT, later + RTT, true, PACKET);
        assert!(controller.window() < marked, "nothing arrives");
    }
}
