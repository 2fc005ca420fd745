//! A face as a point on the unit sphere.

use serde::{Deserialize, Serialize};

use crate::Distance;

/// A face embedding: a finite unit vector (`‖e‖₂ = 1`), 128-D by default (Schroff et al. 2015, §3.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f32>", into = "Vec<f32>")]
pub struct Embedding(Box<[f32]>);

/// A vector that has no direction: zero, empty, overflowing or not a number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a vector of norm {norm} has no direction, so it is not an embedding")]
pub struct NotADirection {
    /// The norm that was found.
    pub norm: f32,
}

impl Embedding {
    /// Scales `values` to unit length.
    ///
    /// # Errors
    /// When the norm is zero, infinite, subnormal or not a number.
    pub fn normalize(mut values: Vec<f32>) -> Result<Self, NotADirection> {
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        if !norm.is_normal() {
            return Err(NotADirection { norm });
        }
        values.iter_mut().for_each(|v| *v /= norm);
        Ok(Self(values.into()))
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The coordinates, `[dimension]`.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The squared Euclidean distance to `other`.
    ///
    /// Only embeddings of one [`Contract`](crate::Contract) are comparable; whoever mixes sources compares
    /// the contracts first.
    ///
    /// # Panics
    /// When the dimensions differ.
    pub fn distance(&self, other: &Self) -> Distance {
        assert_eq!(self.dimension(), other.dimension(), "embeddings of different contracts were compared");
        Distance::between(&self.0, &other.0)
    }
}

impl TryFrom<Vec<f32>> for Embedding {
    type Error = NotADirection;

    fn try_from(values: Vec<f32>) -> Result<Self, NotADirection> {
        Self::normalize(values)
    }
}

impl From<Embedding> for Vec<f32> {
    fn from(embedding: Embedding) -> Self {
        embedding.0.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_vector_without_direction_is_not_an_embedding() {
        for values in [vec![], vec![0.0; 4], vec![1.0, f32::NAN], vec![f32::INFINITY, 1.0], vec![1e30, 1e30]]
        {
            assert!(Embedding::normalize(values.clone()).is_err(), "{values:?}");
        }
    }

    #[test]
    fn opposite_points_lie_four_apart() {
        let a = Embedding::normalize(vec![1.0, 0.0]).unwrap();
        let b = Embedding::normalize(vec![-2.0, 0.0]).unwrap();
        assert_eq!(a.distance(&b), Distance::MAX);
        assert_eq!(a.distance(&a), Distance::new(0.0).unwrap());
    }

    #[test]
    #[should_panic(expected = "different contracts")]
    fn embeddings_of_different_dimension_are_not_compared() {
        let a = Embedding::normalize(vec![1.0, 0.0]).unwrap();
        let b = Embedding::normalize(vec![1.0, 0.0, 0.0]).unwrap();
        a.distance(&b);
    }

    proptest! {
        #[test]
        fn every_embedding_is_of_unit_length_and_every_distance_in_range(
            a in prop::collection::vec(-100.0f32..100.0, 8),
            b in prop::collection::vec(-100.0f32..100.0, 8),
        ) {
            if let (Ok(a), Ok(b)) = (Embedding::normalize(a), Embedding::normalize(b)) {
                let norm: f32 = a.as_slice().iter().map(|v| v * v).sum();
                prop_assert!((norm - 1.0).abs() < 1e-5);
                prop_assert_eq!(a.distance(&b), b.distance(&a));
            }
        }
    }
}
