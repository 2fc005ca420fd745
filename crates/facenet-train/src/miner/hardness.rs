//! How hard a negative is.

/// Where a negative lies, seen from an anchor and its positive (Schroff et al. 2015, §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hardness {
    /// Closer to the anchor than the positive, or as far.
    Hard,
    /// Farther than the positive, but within the margin (inclusive).
    SemiHard,
    /// Beyond the margin: the loss is zero.
    Easy,
}

impl Hardness {
    /// The hardness of a negative at squared distance `d_an` from an anchor whose positive lies at `d_ap`.
    ///
    /// For one `d_ap` and `margin` it only ever goes from hard over semi-hard to easy as `d_an` grows, so
    /// among negatives in order of distance each kind is one run.
    pub fn of(d_ap: f32, d_an: f32, margin: f32) -> Self {
        match d_an - d_ap {
            gap if gap <= 0.0 => Self::Hard,
            gap if gap <= margin => Self::SemiHard,
            _ => Self::Easy,
        }
    }

    /// The farthest distance at which a negative is not [`Easy`](Self::Easy): `d_ap + margin`, but for the
    /// rounding of the difference in [`of`](Self::of), so that comparing with it gives the same answer.
    pub(crate) fn limit(d_ap: f32, margin: f32) -> f32 {
        let easy = |d_an: f32| Self::of(d_ap, d_an, margin) == Self::Easy;
        let mut limit = d_ap + margin;
        while easy(limit) {
            limit = limit.next_down();
        }
        while !easy(limit.next_up()) {
            limit = limit.next_up();
        }
        limit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hardness_at_and_around_the_borders() {
        use Hardness::*;
        for (d_ap, d_an, expected) in [
            (0.5, 0.4, Hard),
            (0.5, 0.5, Hard), // as far as the positive
            (0.5, 0.6, SemiHard),
            (0.5, 0.75, SemiHard), // exactly on the margin
            (0.5, 0.8, Easy),
        ] {
            assert_eq!(Hardness::of(d_ap, d_an, 0.25), expected, "d_ap {d_ap}, d_an {d_an}");
        }
    }

    proptest! {
        #[test]
        fn the_limit_is_the_last_distance_that_is_not_easy(
            d_ap in prop_oneof![Just(0.0f32), 0.0f32..=4.0, 0.0f32..1e-6],
            margin in prop_oneof![Just(4.0f32), 1e-7f32..=4.0],
        ) {
            let limit = Hardness::limit(d_ap, margin);
            prop_assert_ne!(Hardness::of(d_ap, limit, margin), Hardness::Easy);
            prop_assert_eq!(Hardness::of(d_ap, limit.next_up(), margin), Hardness::Easy);
            prop_assert!((limit - d_ap - margin).abs() < 1e-6);
        }
    }
}
