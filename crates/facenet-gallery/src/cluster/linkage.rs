//! How dissimilar two clusters are.

use std::fmt;
use std::str::FromStr;

/// How dissimilar two clusters A and B are, made from the squared distances of their faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Linkage {
    /// The mean over all pairs of a face of A and a face of B, in `[0, 4]`.
    ///
    /// For unit vectors the mean squared distance is `2 - 2 mean(A)·mean(B)`, so it compares the clusters' mean
    /// faces: a single blurred face neither joins two people (as in [`Single`](Self::Single)) nor splits one (as in
    /// [`Complete`](Self::Complete)).
    #[default]
    Average,
    /// The farthest pair, in `[0, 4]`: all faces of a cluster are at most the threshold apart.
    Complete,
    /// The nearest pair, in `[0, 4]`: a chain of look-alikes becomes one cluster.
    Single,
    /// Twice the growth of the sum of squares, `2 |A| |B| / (|A| + |B|) ‖mean(A) - mean(B)‖²`: the squared distance
    /// for two single faces, and beyond 4 for large clusters, so large ones join late.
    Ward,
}

/// A name that is no linkage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no linkage: expected `average`, `complete`, `single` or `ward`")]
pub struct UnknownLinkage(pub String);

impl Linkage {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Average, Self::Complete, Self::Single, Self::Ward];

    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Complete => "complete",
            Self::Single => "single",
            Self::Ward => "ward",
        }
    }

    /// The dissimilarity of K to the union of A and B, from those among the three (Lance and Williams 1967).
    ///
    /// Infinity means "two people", and the union of anybody with one of them stays so.
    pub(super) fn to_union(self, a: Part, b: Part, k_size: f32, a_to_b: f32) -> f32 {
        let (low, high) = (a.to_k.min(b.to_k), a.to_k.max(b.to_k));
        if high == f32::INFINITY {
            return high;
        }
        let union = match self {
            Self::Average => (a.size * a.to_k + b.size * b.to_k) / (a.size + b.size),
            Self::Complete => high,
            Self::Single => low,
            Self::Ward => {
                let sum = (a.size + k_size) * a.to_k + (b.size + k_size) * b.to_k - k_size * a_to_b;
                sum / (a.size + b.size + k_size)
            }
        };
        // A union is never nearer than its nearer part ("reducible"); rounding must not break what the search
        // for mutual neighbours relies on.
        union.max(low)
    }
}

/// One of two clusters that become one, seen from a third, K.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Its number of faces.
    pub(super) size: f32,
    /// Its dissimilarity to K.
    pub(super) to_k: f32,
}

impl fmt::Display for Linkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Linkage {
    type Err = UnknownLinkage;

    fn from_str(name: &str) -> Result<Self, UnknownLinkage> {
        Self::ALL.into_iter().find(|l| l.name() == name).ok_or_else(|| UnknownLinkage(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_of_two_and_one_faces_seen_from_three() {
        let a = Part { size: 2.0, to_k: 1.0 };
        let b = Part { size: 1.0, to_k: 2.5 };
        for (linkage, expected) in [
            (Linkage::Average, 1.5),
            (Linkage::Complete, 2.5),
            (Linkage::Single, 1.0),
            (Linkage::Ward, (5.0 * 1.0 + 4.0 * 2.5 - 3.0 * 0.5) / 6.0),
        ] {
            assert_eq!(linkage.to_union(a, b, 3.0, 0.5), expected, "{linkage}");
            assert_eq!(linkage.to_union(b, a, 3.0, 0.5), expected, "{linkage}");
        }
    }

    #[test]
    fn two_people_stay_two_people_in_every_union() {
        let a = Part { size: 1.0, to_k: 0.1 };
        let b = Part { size: 1.0, to_k: f32::INFINITY };
        for linkage in Linkage::ALL {
            assert_eq!(linkage.to_union(a, b, 1.0, 0.1), f32::INFINITY, "{linkage}");
            assert_eq!(linkage.to_union(b, a, 1.0, 0.1), f32::INFINITY, "{linkage}");
        }
    }

    #[test]
    fn every_linkage_is_found_by_its_name() {
        for linkage in Linkage::ALL {
            assert_eq!(linkage.to_string().parse(), Ok(linkage));
        }
        let error = "median".parse::<Linkage>().unwrap_err().to_string();
        assert_eq!(error, "`median` is no linkage: expected `average`, `complete`, `single` or `ward`");
    }
}
