//! How far two embeddings lie apart.

use serde::{Deserialize, Serialize};

/// Squared Euclidean distance between two embeddings, in `[0, 4]`; lower is more alike.
///
/// 0 is the same point of the unit sphere, 4 the opposite one (Schroff et al. 2015, fig. 1).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Distance(f32);

/// A number that is no squared distance between unit vectors.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is not a squared distance between unit vectors: expected a number from 0 to 4")]
pub struct NotADistance(pub f32);

impl Distance {
    /// The largest distance there is: between a vector and its opposite.
    pub const MAX: Self = Self(4.0);

    /// Takes a number in `[0, 4]`.
    ///
    /// # Errors
    /// When `value` lies outside, or is not a number.
    pub fn new(value: f32) -> Result<Self, NotADistance> {
        if (0.0..=4.0).contains(&value) { Ok(Self(value)) } else { Err(NotADistance(value)) }
    }

    /// The squared Euclidean distance of two unit vectors of equal length, clamped into `[0, 4]`: rounding
    /// can leave the range by a few units in the last place.
    pub(crate) fn between(a: &[f32], b: &[f32]) -> Self {
        Self(a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().clamp(0.0, 4.0))
    }

    /// The number itself.
    pub fn value(self) -> f32 {
        self.0
    }

    /// The cosine of the angle between the two vectors, in `[-1, 1]`: `1 - d / 2`.
    pub fn cosine(self) -> f32 {
        1.0 - self.0 / 2.0
    }
}

impl Eq for Distance {}

#[expect(
    clippy::derive_ord_xor_partial_ord,
    reason = "a distance is never NaN, so the derived order is total"
)]
impl Ord for Distance {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f32> for Distance {
    type Error = NotADistance;

    fn try_from(value: f32) -> Result<Self, NotADistance> {
        Self::new(value)
    }
}

impl From<Distance> for f32 {
    fn from(distance: Distance) -> Self {
        distance.0
    }
}

impl std::fmt::Display for Distance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_belong_to_the_range_and_nothing_beyond_does() {
        for inside in [0.0, 1.1, 4.0] {
            assert_eq!(Distance::new(inside).unwrap().value(), inside);
        }
        for outside in [-1e-6, 4.000_001, f32::NAN, f32::INFINITY] {
            assert!(Distance::new(outside).is_err(), "{outside}");
        }
    }

    #[test]
    fn cosine_goes_from_one_to_minus_one() {
        assert_eq!(Distance(0.0).cosine(), 1.0);
        assert_eq!(Distance(2.0).cosine(), 0.0);
        assert_eq!(Distance::MAX.cosine(), -1.0);
    }

    #[test]
    fn a_stored_distance_out_of_range_is_refused() {
        assert!(serde_json::from_str::<Distance>("4.5").is_err());
        assert_eq!(serde_json::from_str::<Distance>("0.5").unwrap(), Distance(0.5));
    }
}
