//! What is known of who is who, before any face is compared.

use std::collections::HashMap;

/// Pairs of faces, by index, that are or are not one person. They bind: clustering never goes against them.
///
/// A pair may be named twice, in either order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// Two faces of one person, however different they look; also through others.
    pub same: Vec<(usize, usize)>,
    /// Two faces of two people, however alike they look.
    pub different: Vec<(usize, usize)>,
}

/// Knowledge that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A pair that is no pair of these faces.
    #[error("faces {0} and {1} are no pair: expected two different faces below {faces}", pair.0, pair.1)]
    NoPair {
        /// What was named.
        pair: (usize, usize),
        /// The number of faces.
        faces: usize,
    },
    /// They are told to be two people, and one person, directly or through others.
    #[error("faces {a} and {b} are told to be two people, but also one person, directly or through others", a = .0.0, b = .0.1)]
    Told((usize, usize)),
    /// They are told to be one person, directly or through others, but are in one photo.
    #[error("faces {a} and {b} are told to be one person, but they are in one photo", a = .0.0, b = .0.1)]
    InOnePhoto((usize, usize)),
}

impl Knowledge {
    /// The faces that belong together by `same`, as the lowest face of each group by face.
    ///
    /// `photos`, one a face or empty, says which faces are in one photo, and so are two people.
    ///
    /// # Errors
    /// When a pair is none, or the knowledge contradicts itself; the pair is named.
    pub fn groups(&self, faces: usize, photos: &[u64]) -> Result<Vec<usize>, Contradiction> {
        let no_pair = |&&(a, b): &&(usize, usize)| a == b || a.max(b) >= faces;
        if let Some(&pair) = self.same.iter().chain(&self.different).find(no_pair) {
            return Err(Contradiction::NoPair { pair, faces });
        }
        let mut parent: Vec<usize> = (0..faces).collect();
        for &(a, b) in &self.same {
            let (a, b) = (root(&mut parent, a), root(&mut parent, b));
            parent[a.max(b)] = a.min(b);
        }
        let groups: Vec<usize> = (0..faces).map(|face| root(&mut parent, face)).collect();
        if let Some(&pair) = self.different.iter().find(|&&(a, b)| groups[a] == groups[b]) {
            return Err(Contradiction::Told(pair));
        }
        let mut there: HashMap<(usize, u64), usize> = HashMap::new();
        for (face, &photo) in photos.iter().enumerate() {
            if let Some(other) = there.insert((groups[face], photo), face) {
                return Err(Contradiction::InOnePhoto((other, face)));
            }
        }
        Ok(groups)
    }
}

/// The lowest face of the group, as far as it is known; paths are halved on the way.
fn root(parent: &mut [usize], mut face: usize) -> usize {
    while parent[face] != face {
        parent[face] = parent[parent[face]];
        face = parent[face];
    }
    face
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(
        same: &[(usize, usize)],
        different: &[(usize, usize)],
        photos: &[u64],
    ) -> Result<Vec<usize>, Contradiction> {
        Knowledge { same: same.to_vec(), different: different.to_vec() }.groups(5, photos)
    }

    #[test]
    fn one_person_through_others_is_one_group() {
        assert_eq!(groups(&[(3, 1), (4, 3)], &[(0, 1), (0, 2)], &[]), Ok(vec![0, 1, 2, 1, 1]));
        assert_eq!(groups(&[], &[], &[]), Ok(vec![0, 1, 2, 3, 4]));
    }

    #[test]
    fn a_contradiction_names_its_pair() {
        let text = |result: Result<Vec<usize>, Contradiction>| result.unwrap_err().to_string();
        insta::assert_snapshot!(
            text(groups(&[(3, 1), (4, 3)], &[(1, 4)], &[])),
            @"faces 1 and 4 are told to be two people, but also one person, directly or through others"
        );
        insta::assert_snapshot!(
            text(groups(&[(0, 2), (2, 4)], &[], &[7, 7, 8, 9, 7])),
            @"faces 0 and 4 are told to be one person, but they are in one photo"
        );
        insta::assert_snapshot!(text(groups(&[(1, 1)], &[], &[])), @"faces 1 and 1 are no pair: expected two different faces below 5");
        insta::assert_snapshot!(text(groups(&[], &[(0, 5)], &[])), @"faces 0 and 5 are no pair: expected two different faces below 5");
    }
}
