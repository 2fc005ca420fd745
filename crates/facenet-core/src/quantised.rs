//! An embedding in one byte a coordinate.

use serde::{Deserialize, Serialize};

use crate::{Distance, Embedding};

/// An embedding as small integers: 128 bytes for 128 coordinates ("can be quantized to 128-bytes without loss of
/// accuracy", Schroff et al. 2015, §5; the scheme is ours, since the paper gives none).
///
/// The integers give the direction, and the direction is all that an embedding is: the coordinates are
/// `q / ‖q‖₂`. Each embedding is scaled so that its largest coordinate becomes 127 or -127, which uses the whole byte,
/// and the scale need not be stored.
///
/// ```
/// use facenet_core::{Embedding, QuantisedEmbedding};
///
/// let embedding = Embedding::normalize(vec![0.8, -0.6])?;
/// let quantised = QuantisedEmbedding::from(&embedding);
/// assert_eq!(quantised.as_slice(), [127, -95]);
/// assert!(quantised.dequantise().distance(&embedding).value() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i8>", into = "Vec<i8>")]
pub struct QuantisedEmbedding(Box<[i8]>);

/// Integers without a direction: none, or all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} coordinates that are all zero have no direction, so they are not an embedding")]
pub struct NotAQuantisedDirection(pub usize);

impl QuantisedEmbedding {
    /// The number of coordinates, which is that of bytes.
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The integers, `[dimension]`, each in `[-128, 127]`;
    /// from an [`Embedding`] there comes none below -127.
    pub fn as_slice(&self) -> &[i8] {
        &self.0
    }

    /// The unit vector of the same direction.
    pub fn dequantise(&self) -> Embedding {
        let values = self.0.iter().map(|q| f32::from(*q)).collect();
        Embedding::normalize(values).expect("integers that are not all zero have a direction")
    }

    /// The squared Euclidean distance of the two directions, `2 - 2 · (q·p) / (‖q‖ ‖p‖)`: the three sums are exact
    /// integers, so the same bytes lie exactly 0 apart and their opposites exactly 4.
    ///
    /// # Panics
    /// When the dimensions differ.
    pub fn distance(&self, other: &Self) -> Distance {
        assert_eq!(self.dimension(), other.dimension(), "embeddings of different contracts were compared");
        let squares = dot(&self.0, &self.0) as f64 * dot(&other.0, &other.0) as f64;
        let cosine = dot(&self.0, &other.0) as f64 / squares.sqrt();
        let distance = (2.0 - 2.0 * cosine).clamp(0.0, 4.0) as f32;
        Distance::new(distance).expect("a number clamped into the range")
    }
}

/// A product of two bytes is at most 2¹⁴, so blocks of 2¹⁶ fit into 32 bits.
fn dot(a: &[i8], b: &[i8]) -> i64 {
    let block = |(a, b): (&[i8], &[i8])| -> i32 {
        a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>()
    };
    a.chunks(1 << 16).zip(b.chunks(1 << 16)).map(|blocks| i64::from(block(blocks))).sum()
}

impl From<&Embedding> for QuantisedEmbedding {
    fn from(embedding: &Embedding) -> Self {
        let largest = embedding.as_slice().iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
        let scale = 127.0 / largest;
        Self(embedding.as_slice().iter().map(|v| (v * scale).round() as i8).collect())
    }
}

impl TryFrom<Vec<i8>> for QuantisedEmbedding {
    type Error = NotAQuantisedDirection;

    fn try_from(values: Vec<i8>) -> Result<Self, NotAQuantisedDirection> {
        if values.iter().all(|q| *q == 0) {
            return Err(NotAQuantisedDirection(values.len()));
        }
        Ok(Self(values.into()))
    }
}

impl From<QuantisedEmbedding> for Vec<i8> {
    fn from(quantised: QuantisedEmbedding) -> Self {
        quantised.0.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantised(values: &[f32]) -> QuantisedEmbedding {
        QuantisedEmbedding::from(&Embedding::normalize(values.to_vec()).unwrap())
    }

    #[test]
    fn a_quantised_embedding_has_a_byte_a_coordinate() {
        for dimension in [1, 64, 128, 256, 512] {
            let values: Vec<f32> = (0..dimension).map(|i| (i as f32 * 0.7 + 0.1).sin()).collect();
            let quantised = quantised(&values);
            assert_eq!(size_of_val(quantised.as_slice()), dimension);
            assert!(quantised.as_slice().iter().any(|q| q.abs() == 127));
        }
    }

    #[test]
    fn the_same_bytes_lie_zero_apart_and_opposites_four() {
        let a = quantised(&[0.3, -0.2, 0.9, 0.1]);
        let opposite = quantised(&[-0.3, 0.2, -0.9, -0.1]);
        let right_angle = QuantisedEmbedding::try_from(vec![0, 127, 0, 0]).unwrap();
        assert_eq!(a.distance(&a).value(), 0.0);
        assert_eq!(a.distance(&opposite), Distance::MAX);
        assert_eq!(
            right_angle.distance(&QuantisedEmbedding::try_from(vec![5, 0, 0, 0]).unwrap()).value(),
            2.0
        );
    }

    #[test]
    fn the_most_negative_byte_does_not_overflow() {
        let lowest = QuantisedEmbedding::try_from(vec![-128; 200_000]).unwrap();
        let highest = QuantisedEmbedding::try_from(vec![127; 200_000]).unwrap();
        assert_eq!((lowest.distance(&lowest).value(), lowest.distance(&highest)), (0.0, Distance::MAX));
    }

    #[test]
    fn zeros_are_not_an_embedding() {
        let error = QuantisedEmbedding::try_from(vec![0; 128]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "128 coordinates that are all zero have no direction, so they are not an embedding"
        );
        assert!(serde_json::from_str::<QuantisedEmbedding>("[]").is_err());
        assert!(serde_json::from_str::<QuantisedEmbedding>("[1, 128]").is_err());
    }

    #[test]
    fn it_is_written_as_integers() {
        assert_eq!(serde_json::to_string(&quantised(&[0.6, -0.8])).unwrap(), "[95,-127]");
    }

    #[test]
    #[should_panic(expected = "different contracts")]
    fn embeddings_of_different_dimension_are_not_compared() {
        quantised(&[1.0, 0.0]).distance(&quantised(&[1.0, 0.0, 0.0]));
    }

    proptest! {
        #[test]
        fn a_distance_changes_by_no_more_than_the_rounding_allows(
            a in prop::collection::vec(-1.0f32..1.0, 128),
            b in prop::collection::vec(-1.0f32..1.0, 128),
        ) {
            let (Ok(a), Ok(b)) = (Embedding::normalize(a), Embedding::normalize(b)) else { return Ok(()) };
            let (qa, qb) = (QuantisedEmbedding::from(&a), QuantisedEmbedding::from(&b));
            // A coordinate is off by at most half a step, `largest / 127 / 2`, so a vector by √128 of these.
            let off = |e: &Embedding| {
                let largest = e.as_slice().iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
                largest / 254.0 * 128f32.sqrt()
            };
            // Scaling back to unit length at most doubles that; √d is a distance, so it changes by the sum.
            let bound = 2.0 * (off(&a) + off(&b));
            let roots = (a.distance(&b).value().sqrt(), qa.distance(&qb).value().sqrt());
            prop_assert!((roots.0 - roots.1).abs() <= bound + 1e-5, "{roots:?}");
            // On integers and on the unit vectors that they mean the distance is the same.
            let dequantised = qa.dequantise().distance(&qb.dequantise());
            prop_assert!((qa.distance(&qb).value() - dequantised.value()).abs() < 1e-5);
            prop_assert_eq!(QuantisedEmbedding::from(&qa.dequantise()), qa);
        }
    }
}
