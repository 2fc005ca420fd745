//! Average linkage over a graph: clusters join while anything is at most the threshold apart.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::rows::dot;

/// Below this a distance is 0: the length of a unit vector is 1 to a few units in the last place, and so equal faces
/// would lie a little apart.
const ROUNDING: f32 = 1e-6;

/// Clusters of faces as they grow.
///
/// The mean squared distance of two groups of unit vectors is `2 - 2 (S·T) / (|S| |T|)` with the sums S and T of their
/// vectors, so it is exact for any two clusters, whatever edges there are. Edges only say which clusters are compared:
/// two whose faces are linked. If every pair at most the threshold apart is an edge, nothing is missed, since a mean
/// at most the threshold needs such a pair; the result is then that of agglomerative clustering.
///
/// In each round every cluster names its nearest, and clusters that name each other join. Average linkage is reducible
/// (a union is never nearer to a third than the nearer part), so they would join sooner or later anyway.
///
/// Memory: three floats' worth of a row and a few lists a face.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    dimension: usize,
    /// Towards the root of each face's cluster; all below is by root.
    parent: Vec<u32>,
    /// `[faces, dimension]`: the sum of the good faces' vectors, or of all where none is good.
    sums: Vec<f32>,
    /// Good faces: those that glue.
    good: Vec<u32>,
    faces: Vec<u32>,
    /// Faces of other clusters that an edge leads to; some may have come to this cluster since.
    links: Vec<Vec<u32>>,
    /// The photos of its faces, sorted.
    photos: Vec<Vec<u64>>,
    /// Faces of other people.
    foes: Vec<Vec<u32>>,
    nearest: Vec<Option<Near>>,
}

/// A cluster, seen from another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Near {
    pub(super) distance: f32,
    pub(super) cluster: u32,
}

impl Joiner {
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, ..Self::default() }
    }

    /// A face as a cluster of its own.
    pub(super) fn push(&mut self, row: &[f32], is_good: bool, photo: Option<u64>) {
        self.parent.push(self.parent.len() as u32);
        self.sums.extend(row);
        self.good.push(u32::from(is_good));
        self.faces.push(1);
        self.links.push(Vec::new());
        self.photos.push(photo.into_iter().collect());
        self.foes.push(Vec::new());
        self.nearest.push(None);
    }

    /// Two faces that are worth a look; poor faces glue nothing, so theirs are left out.
    pub(super) fn link(&mut self, a: u32, b: u32) {
        let (a_root, b_root) = (self.root(a), self.root(b));
        if self.good[a as usize] > 0 && self.good[b as usize] > 0 && a_root != b_root {
            self.links[a_root as usize].push(b);
            self.links[b_root as usize].push(a);
        }
    }

    /// Two faces that are two people.
    pub(super) fn keep_apart(&mut self, a: u32, b: u32) {
        let (a_root, b_root) = (self.root(a), self.root(b));
        self.foes[a_root as usize].push(b);
        self.foes[b_root as usize].push(a);
    }

    /// The cluster of a face.
    pub(super) fn root(&self, mut face: u32) -> u32 {
        while self.parent[face as usize] != face {
            face = self.parent[face as usize];
        }
        face
    }

    /// Whether a cluster has faces that glue.
    pub(super) fn is_good(&self, cluster: u32) -> bool {
        self.good[cluster as usize] > 0
    }

    /// The mean squared distance between the faces of two clusters that count.
    pub(super) fn distance(&self, a: u32, b: u32) -> f32 {
        let sum = |cluster: u32| &self.sums[cluster as usize * self.dimension..][..self.dimension];
        let mean = dot(sum(a), sum(b)) / (self.mass(a) * self.mass(b));
        let distance = 2.0 - 2.0 * mean;
        if distance < ROUNDING { 0.0 } else { distance }
    }

    fn mass(&self, cluster: u32) -> f32 {
        let (good, faces) = (self.good[cluster as usize], self.faces[cluster as usize]);
        if good > 0 { good as f32 } else { faces as f32 }
    }

    /// Whether two clusters are known to be two people.
    pub(super) fn are_apart(&self, a: u32, b: u32) -> bool {
        let is_foe = |of: u32, other: u32| self.foes[of as usize].iter().any(|&foe| self.root(foe) == other);
        let (few, many) =
            if self.foes[a as usize].len() <= self.foes[b as usize].len() { (a, b) } else { (b, a) };
        share_any(&self.photos[a as usize], &self.photos[b as usize]) || is_foe(few, many)
    }

    /// Joins until no two linked clusters are at most `threshold` apart; `changed` are faces whose clusters have new
    /// links.
    pub(super) fn settle(&mut self, threshold: f32, changed: impl Iterator<Item = u32>) {
        let mut changed: Vec<u32> = changed.collect();
        loop {
            self.look(&mut changed, threshold);
            let pairs = self.mutual(&changed);
            if pairs.is_empty() {
                return;
            }
            changed.clear();
            for (a, b) in pairs {
                let (union, gone) = self.join(a, b);
                changed.push(union);
                // Whoever named one of the two has to look again; for others nothing came nearer.
                for &face in &self.links[union as usize] {
                    let other = self.root(face);
                    if self.nearest[other as usize].is_some_and(|n| n.cluster == union || n.cluster == gone) {
                        changed.push(other);
                    }
                }
            }
        }
    }

    /// Each changed cluster finds its nearest; `changed` becomes the clusters whose nearest is new.
    fn look(&mut self, changed: &mut Vec<u32>, threshold: f32) {
        for cluster in changed.iter_mut() {
            *cluster = self.root(*cluster);
        }
        changed.par_sort_unstable();
        changed.dedup();
        let seen: Vec<(Vec<u32>, Option<Near>)> =
            changed.par_iter().map(|&c| self.around(c, threshold)).collect();
        let looked = changed.len();
        for position in 0..looked {
            let (cluster, (links, nearest)) = (changed[position], &seen[position]);
            self.links[cluster as usize].clone_from(links);
            self.nearest[cluster as usize] = *nearest;
        }
        // A union can be nearer to a cluster than what that knew of: it had no link to one of the parts.
        for position in 0..looked {
            let cluster = changed[position];
            let Some(Near { distance, cluster: other }) = self.nearest[cluster as usize] else { continue };
            let back = Near { distance, cluster };
            if self.nearest[other as usize].is_none_or(|known| order(other, back, known) == Ordering::Less) {
                self.nearest[other as usize] = Some(back);
                changed.push(other);
            }
        }
    }

    /// The clusters linked to `cluster` that it may join, and the nearest within `threshold`.
    fn around(&self, cluster: u32, threshold: f32) -> (Vec<u32>, Option<Near>) {
        let mut links: Vec<u32> = self.links[cluster as usize].iter().map(|&face| self.root(face)).collect();
        links.sort_unstable();
        links.dedup();
        // Whoever is apart stays so.
        links.retain(|&other| other != cluster && !self.are_apart(cluster, other));
        links.shrink_to_fit();
        let near =
            links.iter().map(|&other| Near { distance: self.distance(cluster, other), cluster: other });
        let nearest = near.filter(|near| near.distance <= threshold).min_by(|a, b| order(cluster, *a, *b));
        (links, nearest)
    }

    /// Pairs of clusters that name each other, each once.
    fn mutual(&self, changed: &[u32]) -> Vec<(u32, u32)> {
        let pair = |&a: &u32| {
            let b = self.nearest[a as usize]?.cluster;
            (self.nearest[b as usize]?.cluster == a).then_some((a.min(b), a.max(b)))
        };
        let mut pairs: Vec<(u32, u32)> = changed.iter().filter_map(pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Makes one cluster of the clusters of two faces: the root of the union, and the root that is none any more.
    pub(super) fn join(&mut self, a: u32, b: u32) -> (u32, u32) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return (a, a);
        }
        // The larger stays, so that ways to a root are short.
        let (stays, goes) = if self.faces[a as usize] >= self.faces[b as usize] { (a, b) } else { (b, a) };
        let (s, g) = (stays as usize, goes as usize);
        self.parent[g] = stays;
        self.add_sum(s, g);
        self.good[s] += self.good[g];
        self.faces[s] += self.faces[g];
        let links = std::mem::take(&mut self.links[g]);
        self.links[s].extend(links);
        let photos = std::mem::take(&mut self.photos[g]);
        self.photos[s].extend(photos);
        self.photos[s].sort_unstable();
        let foes = std::mem::take(&mut self.foes[g]);
        self.foes[s].extend(foes);
        (stays, goes)
    }

    /// Poor faces count only where there are no others.
    fn add_sum(&mut self, stays: usize, goes: usize) {
        let dimension = self.dimension;
        let (stays_good, goes_good) = (self.good[stays] > 0, self.good[goes] > 0);
        for i in 0..dimension {
            let other = self.sums[goes * dimension + i];
            let sum = &mut self.sums[stays * dimension + i];
            match (stays_good, goes_good) {
                (true, false) => {}
                (false, true) => *sum = other,
                _ => *sum += other,
            }
        }
    }
}

/// Which of two is nearer to `from`. Equal distances are told apart by a number that looks drawn, the same from both
/// sides: by index, of a thousand equal faces each would name the first, and one pair would join a round.
fn order(from: u32, a: Near, b: Near) -> Ordering {
    let key = |near: Near| {
        let (low, high) = (from.min(near.cluster), from.max(near.cluster));
        let mixed = (u64::from(low) << 32 | u64::from(high)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9), near.cluster)
    };
    a.distance.total_cmp(&b.distance).then_with(|| key(a).cmp(&key(b)))
}

fn share_any(a: &[u64], b: &[u64]) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    few.iter().any(|photo| many.binary_search(photo).is_ok())
}
