//! Steps in which the limits of transfers are raised and lowered by hand.

const KIB: u64 = 1024;

/// Bytes a second; what is above the last is no limit, which is 0.
const STEPS: [u64; 12] = [
    32 * KIB,
    64 * KIB,
    128 * KIB,
    256 * KIB,
    512 * KIB,
    1024 * KIB,
    2048 * KIB,
    4096 * KIB,
    8192 * KIB,
    16_384 * KIB,
    32_768 * KIB,
    65_536 * KIB,
];

/// The next step above a limit; 0 above the last, and above no limit.
pub fn raise(limit: u64) -> u64 {
    if limit == 0 {
        return 0;
    }
    STEPS.into_iter().find(|step| *step > limit).unwrap_or(0)
}

/// The next step below a limit; the lowest stays.
pub fn lower(limit: u64) -> u64 {
    let below = |step: &u64| limit == 0 || *step < limit;
    STEPS.into_iter().rev().find(below).unwrap_or(if limit == 0 { 0 } else { limit.min(32 * KIB) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_go_up_and_down_by_steps_and_nothing_is_the_highest() {
        assert_eq!((raise(0), lower(0)), (0, 65_536 * KIB));
        assert_eq!((raise(65_536 * KIB), raise(64 * KIB), raise(1)), (0, 128 * KIB, 32 * KIB));
        assert_eq!((lower(100 * KIB), lower(32 * KIB), lower(5)), (64 * KIB, 32 * KIB, 5));
    }
}
