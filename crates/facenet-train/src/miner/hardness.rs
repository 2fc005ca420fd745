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
}

#[cfg(test)]
mod tests {
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
}
