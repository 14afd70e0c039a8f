//! The same work on many things, on all cores.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;

/// As many as are worth a thread of their own: starting one takes about as long as verifying a release.
const LEAST: usize = 16;

/// What `each` makes of every item, in their order, on no more threads than there are cores. Blocks until all is done; a panic
/// of `each` comes out of here.
pub fn map<T: Send, R: Send>(items: Vec<T>, each: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = (items.len() / LEAST).clamp(1, cores());
    let share = items.len().div_ceil(threads);
    let work = |items: Vec<T>| items.into_iter().map(&each).collect::<Vec<R>>();
    thread::scope(|scope| {
        let (mut first, mut others) = (items, Vec::new());
        while first.len() > share {
            let part = first.split_off(first.len() - share);
            others.push(scope.spawn(|| work(part)));
        }
        let mut done = work(first);
        for other in others.into_iter().rev() {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

/// Asked once: the answer is read from files.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_item_has_its_answer_in_its_place() {
        for count in [0, 1, LEAST, 2 * LEAST - 1, 2 * LEAST, 2 * LEAST + 1, 1000, 1001] {
            let doubled = map((0..count).collect(), |item| 2 * item);
            assert_eq!(doubled, (0..count).map(|item| 2 * item).collect::<Vec<_>>());
        }
    }

    #[test]
    fn many_items_are_shared_out() {
        let workers: HashSet<_> = map(vec![(); 1000], |()| thread::current().id()).into_iter().collect();
        assert!((cores().min(2)..=cores()).contains(&workers.len()), "{} of {}", workers.len(), cores());
    }

    #[test]
    #[should_panic(expected = "no such number")]
    fn a_panic_is_not_lost() {
        map((0..1000).collect(), |item| assert!(item != 999, "no such number"));
    }
}
