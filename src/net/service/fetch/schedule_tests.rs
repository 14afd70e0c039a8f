use super::*;
use proptest::prelude::*;

const LEAF: u64 = LEAF_SIZE as u64;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A lane that was measured at so many leaves a second.
fn measured(schedule: &mut Schedule, start: Instant, leaves_a_second: f64) -> LaneId {
    let lane = schedule.join(None, start);
    schedule.lanes.get_mut(&lane).unwrap().rate = Some(leaves_a_second * LEAF as f64);
    schedule.lanes.get_mut(&lane).unwrap().quickest = Some(ms(1));
    lane
}

#[test]
fn leaves_are_asked_of_one_lane_each_in_order() {
    let (mut schedule, now) = (Schedule::new(10, 1), Instant::now());
    let (one, two) = (schedule.join(None, now), schedule.join(None, now));
    assert_eq!(schedule.next(one, now), [0, 1, 2, 3]);
    assert_eq!(schedule.next(two, now), [4, 5, 6, 7]);
    // The window is half empty before more is asked for.
    assert!(schedule.next(one, now).is_empty());
    assert!(schedule.arrived(one, 0, now) && schedule.next(one, now).is_empty());
    assert!(schedule.arrived(one, 1, now));
    assert_eq!(schedule.next(one, now), [8, 9]);
    assert_eq!(schedule.left(), 8);
    assert!(!schedule.arrived(one, 1, now), "the same leaf twice is no progress");
}

#[test]
fn what_a_lane_leaves_behind_others_take_over() {
    let (mut schedule, now) = (Schedule::new(4, 1), Instant::now());
    let (one, two) = (schedule.join(None, now), schedule.join(None, now));
    assert_eq!(schedule.next(one, now), [0, 1, 2, 3]);
    assert!(schedule.next(two, now).is_empty());
    schedule.arrived(one, 0, now);
    schedule.leave(one);
    assert_eq!(schedule.next(two, now), [1, 2, 3]);
}

/// Bytes a second, seconds from asking to having, and the leaves that are then asked for at once.
#[test]
fn the_window_follows_speed_and_delay() {
    for (leaves_a_second, delay_ms, window) in
        [(0.0, 60_000, 2), (0.5, 2_000, 2), (4.0, 250, 2), (40.0, 225, 18), (400.0, 5, 4), (2_000.0, 1_000, 32)]
    {
        let (mut schedule, now) = (Schedule::new(100, 1), Instant::now());
        let lane = measured(&mut schedule, now, leaves_a_second);
        schedule.lanes.get_mut(&lane).unwrap().quickest = Some(ms(delay_ms));
        assert_eq!(schedule.next(lane, now).len(), window, "{leaves_a_second} a second, {delay_ms} ms");
    }
}

#[test]
fn speed_is_measured_while_there_is_work_and_smoothed() {
    let (mut schedule, start) = (Schedule::new(100, 1), Instant::now());
    let lane = schedule.join(None, start);
    schedule.measure(lane, 0, start + ms(5_000));
    assert_eq!(schedule.standing(lane).rate, None);
    schedule.next(lane, start + ms(5_000));
    schedule.measure(lane, LEAF, start + ms(5_050));
    assert_eq!(schedule.standing(lane).rate, None, "too soon to tell");
    schedule.measure(lane, LEAF, start + ms(6_000));
    assert_eq!(schedule.standing(lane).rate, Some(LEAF as f64));
    schedule.measure(lane, 4 * LEAF, start + ms(7_000));
    assert_eq!(schedule.standing(lane).rate, Some(2.0 * LEAF as f64));
}

#[test]
fn near_the_end_a_faster_lane_asks_for_the_last_leaves_too() {
    let (mut schedule, start) = (Schedule::new(3, 1), Instant::now());
    let slow = measured(&mut schedule, start, 0.1);
    assert_eq!(schedule.next(slow, start), [0, 1]);
    let fast = measured(&mut schedule, start, 10.0);
    assert_eq!(schedule.next(fast, start), [2]);
    assert!(schedule.next(fast, start).is_empty(), "not while it has work");
    schedule.arrived(fast, 2, start);
    // The one that would come last, then the other one.
    assert_eq!(schedule.next(fast, start), [1]);
    schedule.arrived(fast, 1, start);
    assert_eq!(schedule.next(fast, start), [0]);
    // Nobody is asked for a third copy.
    let third = measured(&mut schedule, start, 100.0);
    assert!(schedule.next(third, start).is_empty());
    schedule.arrived(fast, 0, start);
    assert_eq!(schedule.left(), 0);
    assert!(!schedule.arrived(slow, 0, start));
}

#[test]
fn nothing_is_taken_from_a_lane_that_is_about_as_fast() {
    let (mut schedule, start) = (Schedule::new(1, 1), Instant::now());
    let (one, two) = (measured(&mut schedule, start, 10.0), measured(&mut schedule, start, 12.0));
    assert_eq!(schedule.next(one, start), [0]);
    assert!(schedule.next(two, start).is_empty());
}

#[test]
fn one_that_was_too_fast_to_be_measured_takes_over_too() {
    let (mut schedule, start) = (Schedule::new(1, 1), Instant::now());
    let (trickling, fast) = (measured(&mut schedule, start, 0.001), schedule.join(None, start));
    assert_eq!(schedule.next(trickling, start), [0]);
    assert_eq!(schedule.next(fast, start), [0]);
}

#[test]
fn a_lane_that_has_shown_nothing_for_a_second_is_not_waited_for() {
    let (mut schedule, start) = (Schedule::new(1, 1), Instant::now());
    let (silent, other) = (schedule.join(None, start), schedule.join(None, start));
    assert_eq!(schedule.next(silent, start), [0]);
    assert!(schedule.next(other, start + ms(900)).is_empty());
    assert_eq!(schedule.next(other, start + ms(1_000)), [0]);
}

#[test]
fn only_what_a_lane_has_is_asked_of_it_and_the_rarest_first() {
    let (mut schedule, now) = (Schedule::new(6, 1), Instant::now());
    let part = schedule.join(Some(vec![true, true, false, false, false, false]), now);
    let seed = schedule.join(None, now);
    let mut first = schedule.next(seed, now);
    first.sort_unstable();
    assert_eq!(first, [2, 3, 4, 5], "what only this one has");
    let mut own = schedule.next(part, now);
    own.sort_unstable();
    assert_eq!(own, [0, 1]);
    // It says that it lacks one of them, then that it has got another.
    schedule.lacks(part, 0);
    schedule.arrived(part, 1, now);
    assert!(schedule.next(part, now).is_empty());
    schedule.leave(seed);
    schedule.holds(part, vec![true; 6]);
    assert_eq!(schedule.next(part, now).len(), 4);
}

#[test]
fn downloads_that_share_ask_for_different_leaves() {
    let now = Instant::now();
    let order = |seed| {
        let mut schedule = Schedule::new(100, seed);
        schedule.join(Some(vec![false; 100]), now);
        let lane = schedule.join(None, now);
        schedule.next(lane, now)
    };
    assert_ne!(order(1), order(2));
}

#[test]
fn who_holds_up_a_lane_for_others_makes_room() {
    let (mut schedule, start) = (Schedule::new(100, 1), Instant::now());
    let (fast, crawling) = (measured(&mut schedule, start, 40.0), measured(&mut schedule, start, 1.0));
    schedule.next(fast, start);
    schedule.next(crawling, start);
    assert_eq!(schedule.hindrance(start + ms(2_900)), None, "it has its trial first");
    assert_eq!(schedule.hindrance(start + ms(3_000)), Some(crawling));
    schedule.leave(crawling);
    assert_eq!(schedule.hindrance(start + ms(3_000)), None);
    // Alone, it is measured by what anybody can do.
    let mut schedule = Schedule::new(100, 1);
    let trickle = measured(&mut schedule, start, 0.01);
    schedule.next(trickle, start);
    assert_eq!(schedule.hindrance(start + ms(3_000)), Some(trickle));
}

#[derive(Clone, Debug)]
enum Step {
    Join(bool),
    Leave(usize),
    Next(usize),
    Arrive(usize),
    Lack(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<bool>().prop_map(Step::Join),
        1 => (0..8usize).prop_map(Step::Leave),
        6 => (0..8usize).prop_map(Step::Next),
        6 => (0..8usize).prop_map(Step::Arrive),
        1 => (0..8usize).prop_map(Step::Lack),
        2 => (0..3_000u64).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever happens, no leaf is asked of more than two, none that is here is asked for, and one good lane brings the rest.
    #[test]
    fn every_leaf_comes_in_the_end(count in 1..40usize, steps in proptest::collection::vec(step(), 0..200)) {
        let (mut schedule, mut now) = (Schedule::new(count, 7), Instant::now());
        let mut lanes: Vec<LaneId> = Vec::new();
        for step in steps {
            let lane = |index: usize| lanes.get(index).copied();
            match step {
                Step::Join(all) if lanes.len() < 8 => {
                    let holds = (!all).then(|| (0..count).map(|leaf| leaf % 3 == 0).collect());
                    lanes.push(schedule.join(holds, now));
                }
                Step::Join(_) => {}
                Step::Leave(index) if index < lanes.len() => schedule.leave(lanes.remove(index)),
                Step::Next(index) => {
                    let Some(lane) = lane(index) else { continue };
                    for leaf in schedule.next(lane, now) {
                        prop_assert!(!schedule.is_here(leaf));
                        prop_assert!(schedule.lanes[&lane].has(leaf));
                    }
                }
                Step::Arrive(index) => {
                    let Some(lane) = lane(index) else { continue };
                    let Some(asked) = schedule.lanes[&lane].asked.front().copied() else { continue };
                    schedule.arrived(lane, asked.leaf, now);
                }
                Step::Lack(index) => {
                    let Some(lane) = lane(index) else { continue };
                    let Some(asked) = schedule.lanes[&lane].asked.front().copied() else { continue };
                    schedule.lacks(lane, asked.leaf);
                }
                Step::Wait(span) => now += ms(span),
                Step::Leave(_) => {}
            }
            for (index, leaf) in (0u32..).zip(&schedule.leaves) {
                let asked = schedule.lanes.values().flat_map(|lane| &lane.asked).filter(|asked| asked.leaf == index).count();
                prop_assert_eq!(asked, usize::from(leaf.asked));
                prop_assert!(leaf.asked <= MAX_ASKED);
            }
            prop_assert_eq!(schedule.left(), schedule.bitmap().filter(|here| !here).count());
        }
        lanes.into_iter().for_each(|lane| schedule.leave(lane));
        let good = schedule.join(None, now);
        for _ in 0..count {
            for leaf in schedule.next(good, now) {
                schedule.arrived(good, leaf, now);
            }
        }
        prop_assert_eq!(schedule.left(), 0);
    }
}
