//! What the user said about faces, as bonds between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::cluster::pairs_in_one_photo;
use crate::knowledge::Knowledge;
use crate::store::record::{AssignedBy, Correction, FaceRecord, Verdict};
use crate::store::subject::{FaceId, PhotoId};

/// Clusters of faces as the user's words have them.
///
/// Takes clusters of indices of faces, each face in one, and gives clusters that obey the bonds: faces that are the same lie
/// in one cluster, and no two that differ, or lie in one photo, do. A cluster is joined with another only where the user says
/// so; where that would bring two together that differ, only the faces of which the user spoke move. In the order of their
/// first faces.
pub(super) fn bound_clusters(bonds: &Bonds, clusters: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut group_of = vec![usize::MAX; bonds.same.len()];
    for (number, cluster) in clusters.iter().enumerate() {
        cluster.iter().for_each(|face| group_of[*face] = number);
        groups.insert(number, cluster.iter().copied().collect());
    }
    for (next, bound) in (clusters.len()..).zip(bonds.bound_together()) {
        let touched: BTreeSet<usize> = bound.iter().map(|face| group_of[*face]).collect();
        let all: BTreeSet<usize> = touched.iter().flat_map(|group| &groups[group]).copied().collect();
        let joined = if bonds.are_free_of_conflict(&all) { all } else { bound.clone() };
        for group in touched {
            let rest: BTreeSet<usize> = groups[&group].difference(&joined).copied().collect();
            groups.insert(group, rest);
        }
        joined.iter().for_each(|face| group_of[*face] = next);
        groups.insert(next, joined);
    }
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for group in groups.into_values() {
        clusters.extend(bonds.without_conflict(group));
    }
    clusters.sort();
    clusters
}

/// What ties faces together and keeps them apart, by their indices.
pub(super) struct Bonds {
    same: Vec<usize>,
    different: HashSet<(usize, usize)>,
    photos: Vec<PhotoId>,
}

impl Bonds {
    /// What the user said of these faces, directly and by naming people.
    pub(super) fn of(faces: &[FaceRecord], corrections: &[Correction]) -> Self {
        let index: HashMap<FaceId, usize> = faces.iter().enumerate().map(|(i, face)| (face.id, i)).collect();
        let mut bonds = Self {
            same: (0..faces.len()).collect(),
            different: HashSet::new(),
            photos: faces.iter().map(|face| face.photo).collect(),
        };
        let pair = |c: &Correction| Some((*index.get(&c.faces.0)?, *index.get(&c.faces.1)?));
        let said = |verdict| corrections.iter().filter(move |c| c.verdict == verdict).filter_map(pair);
        said(Verdict::Same).for_each(|(a, b)| bonds.tie(a, b));
        let mut by_user = HashMap::new();
        for (face, record) in faces.iter().enumerate() {
            if let Some((person, AssignedBy::User)) = record.person {
                bonds.tie(face, *by_user.entry(person).or_insert(face));
            }
        }
        // Two people that the user named are two.
        let firsts: Vec<usize> = by_user.into_values().collect();
        let named = firsts.iter().enumerate().flat_map(|(i, a)| firsts[..i].iter().map(move |b| (*a, *b)));
        for (a, b) in named.chain(said(Verdict::Different)) {
            let (a, b) = (bonds.root(a), bonds.root(b));
            bonds.different.extend([(a, b), (b, a)]);
        }
        bonds
    }

    /// The same for clustering: each face beside the first that it is tied to, and a pair for each two groups that the user
    /// keeps apart or that lie in one photo.
    pub(super) fn known(&self) -> Knowledge {
        let tied = (0..self.same.len()).map(|face| (self.root(face), face));
        let apart = self.different.iter().copied().filter(|(a, b)| a < b);
        let in_photos = pairs_in_one_photo(&self.photos);
        let mut different: Vec<(usize, usize)> =
            apart.chain(in_photos.into_iter().filter(|(a, b)| self.differ(*a, *b))).collect();
        different.sort_unstable();
        Knowledge { same: tied.filter(|(root, face)| root != face).collect(), different }
    }

    fn root(&self, mut face: usize) -> usize {
        while self.same[face] != face {
            face = self.same[face];
        }
        face
    }

    fn tie(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.same[a.max(b)] = a.min(b);
    }

    /// Groups of at least two faces that the user bound together.
    fn bound_together(&self) -> Vec<BTreeSet<usize>> {
        let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for face in 0..self.same.len() {
            groups.entry(self.root(face)).or_default().insert(face);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }

    fn differ(&self, a: usize, b: usize) -> bool {
        let (ra, rb) = (self.root(a), self.root(b));
        ra != rb && (self.photos[a] == self.photos[b] || self.different.contains(&(ra, rb)))
    }

    fn are_free_of_conflict(&self, group: &BTreeSet<usize>) -> bool {
        group.iter().all(|a| group.range(..a).all(|b| !self.differ(*a, *b)))
    }

    /// The group in parts within which no two differ; a face goes to the first part that takes it.
    fn without_conflict(&self, group: BTreeSet<usize>) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for face in group {
            let fits = |part: &&mut Vec<usize>| part.iter().all(|other| !self.differ(face, *other));
            match parts.iter_mut().find(fits) {
                Some(part) => part.push(face),
                None => parts.push(vec![face]),
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use facenet_core::{BoundingBox, Embedding, Face};

    use super::*;
    use crate::store::embedding::{Form, StoredEmbedding};
    use crate::store::subject::{CorrectionId, PersonId};

    /// Faces 0, 1, … in these photos, of these people by the user.
    fn faces(photos: &[i64], people: &[Option<i64>]) -> Vec<FaceRecord> {
        let embedding = StoredEmbedding::of(&Embedding::normalize(vec![1.0]).unwrap(), Form::Float);
        let bounds = BoundingBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
        let face = |(id, (photo, person)): (i64, (&i64, &Option<i64>))| FaceRecord {
            id: FaceId(id),
            photo: PhotoId(*photo),
            found: Face { bounds, landmarks: None, score: 1.0 },
            quality: None,
            embedding: embedding.clone(),
            older_model: None,
            person: person.map(|person| (PersonId(person), AssignedBy::User)),
        };
        (0..).zip(photos.iter().zip(people)).map(face).collect()
    }

    fn said(words: &[(i64, i64, Verdict)]) -> Vec<Correction> {
        let correction = |(id, &(a, b, verdict))| Correction {
            id: CorrectionId(id),
            faces: (FaceId(a), FaceId(b)),
            verdict,
            moved: None,
        };
        (1..).zip(words).map(correction).collect()
    }

    fn bound(
        photos: &[i64],
        people: &[Option<i64>],
        words: &[(i64, i64, Verdict)],
        clusters: &[&[usize]],
    ) -> Vec<Vec<usize>> {
        let clusters: Vec<Vec<usize>> = clusters.iter().map(|cluster| cluster.to_vec()).collect();
        bound_clusters(&Bonds::of(&faces(photos, people), &said(words)), &clusters)
    }

    use Verdict::{Different, Same};

    const NOBODY: [Option<i64>; 5] = [None; 5];
    const ALONE: [i64; 5] = [1, 2, 3, 4, 5];

    #[test]
    fn without_a_word_clusters_stay_as_they_are() {
        assert_eq!(bound(&ALONE, &NOBODY, &[], &[&[3, 4], &[0, 2], &[1]]), [vec![0, 2], vec![1], vec![3, 4]]);
        assert_eq!(bound(&[], &[], &[], &[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn the_same_join_with_all_that_are_like_them() {
        let clusters: [&[usize]; 3] = [&[0, 1], &[2, 3], &[4]];
        assert_eq!(bound(&ALONE, &NOBODY, &[(1, 2, Same)], &clusters), [vec![0, 1, 2, 3], vec![4]]);
        assert_eq!(bound(&ALONE, &NOBODY, &[(1, 2, Same), (3, 4, Same)], &clusters), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn different_ones_part_also_when_that_follows_only_from_others() {
        assert_eq!(
            bound(&ALONE, &NOBODY, &[(0, 1, Different)], &[&[0, 1, 2, 3, 4]]),
            [vec![0, 2, 3, 4], vec![1]]
        );
        // 0 is 1, 1 is not 2, so 0 is not 2.
        let words = [(0, 1, Same), (1, 2, Different)];
        assert_eq!(
            bound(&ALONE, &NOBODY, &words, &[&[0, 2], &[1], &[3, 4]]),
            [vec![0, 1], vec![2], vec![3, 4]]
        );
    }

    #[test]
    fn two_in_one_photo_are_two_unless_the_user_says_otherwise() {
        let photos = [1, 1, 2, 3, 4];
        assert_eq!(bound(&photos, &NOBODY, &[], &[&[0, 1, 2, 3, 4]]), [vec![0, 2, 3, 4], vec![1]]);
        assert_eq!(bound(&photos, &NOBODY, &[(0, 1, Same)], &[&[0, 1, 2, 3, 4]]), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn where_joining_would_bring_different_ones_together_only_the_named_faces_move() {
        let words = [(0, 2, Same), (1, 3, Different)];
        assert_eq!(
            bound(&ALONE, &NOBODY, &words, &[&[0, 1], &[2, 3], &[4]]),
            [vec![0, 2], vec![1], vec![3], vec![4]]
        );
    }

    #[test]
    fn people_whom_the_user_named_stay_whole_and_apart() {
        let people = [Some(1), Some(1), Some(2), None, None];
        assert_eq!(bound(&ALONE, &people, &[], &[&[0, 2, 3], &[1, 4]]), [vec![0, 1], vec![2, 3], vec![4]]);
        let bonds = Bonds::of(&faces(&ALONE, &people), &[]);
        assert_eq!(bonds.known(), Knowledge { same: vec![(0, 1)], different: vec![(0, 2)] });
    }
}
