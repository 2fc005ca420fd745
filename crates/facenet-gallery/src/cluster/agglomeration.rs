//! Joining clusters along chains of nearest neighbours.

use super::condensed::Condensed;
use super::linkage::{Linkage, Part};

/// Agglomeration by nearest-neighbour chains: O(n²) instead of the O(n³) of always looking for the closest pair.
///
/// From any cluster, go to its nearest neighbour, on to that one's nearest, and so on: the steps get shorter until two
/// clusters are each other's nearest. For the linkages here a union is never nearer to a third cluster than the
/// nearer of its parts, so these two would be joined sooner or later anyway, whatever is joined before, and the
/// result is that of always joining the closest pair (Murtagh 1983). The same holds with pairs at infinity that stay
/// there, which is how two faces are kept apart. Crate `kodama` joins likewise, but has no way to keep faces apart.
///
/// A cluster whose nearest neighbour is beyond the threshold is finished: unions do not come nearer. So no dendrogram
/// is built above the threshold.
#[derive(Debug)]
pub(super) struct Agglomeration {
    /// Between clusters, each under the index of its first face.
    dissimilarities: Condensed,
    linkage: Linkage,
    /// The clusters that are not finished, in ascending order.
    active: Vec<usize>,
    /// The faces of the active clusters, by cluster.
    members: Vec<Vec<usize>>,
}

impl Agglomeration {
    /// Every item a cluster of its own.
    pub(super) fn new(dissimilarities: Condensed, linkage: Linkage) -> Self {
        let items = dissimilarities.items();
        let members = (0..items).map(|item| vec![item]).collect();
        Self { dissimilarities, linkage, active: (0..items).collect(), members }
    }

    /// Joins what is known to be one: `known` is the lowest item of each item's group.
    pub(super) fn join_known(&mut self, known: &[usize]) {
        for (item, &group) in known.iter().enumerate().filter(|(item, group)| item != *group) {
            self.join(group, item);
        }
    }

    /// Joins what is at most `threshold` apart (finite, inclusive). The clusters come in no particular order, but
    /// always in the same.
    pub(super) fn run(mut self, threshold: f32) -> Vec<Vec<usize>> {
        let mut finished = Vec::new();
        let mut chain: Vec<usize> = Vec::new();
        while let Some(&tip) = chain.last().or(self.active.first()) {
            if chain.is_empty() {
                chain.push(tip);
            }
            let previous = chain.len().checked_sub(2).map(|position| chain[position]);
            match self.nearest(tip, previous) {
                Some((nearest, distance)) if distance <= threshold => {
                    if Some(nearest) == previous {
                        chain.truncate(chain.len() - 2);
                        self.join(tip.min(nearest), tip.max(nearest));
                    } else {
                        chain.push(nearest);
                    }
                }
                _ => {
                    // Each step of a chain is shorter than the last, so only its start can be beyond the threshold.
                    chain.clear();
                    self.remove(tip);
                    finished.push(std::mem::take(&mut self.members[tip]));
                }
            }
        }
        finished
    }

    /// The nearest other cluster: at equal distance `previous`, so that chains end, or else the first.
    fn nearest(&self, from: usize, previous: Option<usize>) -> Option<(usize, f32)> {
        let distance = |to| self.dissimilarities.get(from, to);
        let mut best = previous.map(|cluster| (cluster, distance(cluster)));
        for &cluster in self.active.iter().filter(|&&cluster| cluster != from) {
            let found = distance(cluster);
            if best.is_none_or(|(_, least)| found < least) {
                best = Some((cluster, found));
            }
        }
        best
    }

    /// Makes `b` a part of `a`.
    fn join(&mut self, a: usize, b: usize) {
        self.remove(b);
        let a_to_b = self.dissimilarities.get(a, b);
        let size = |cluster: usize| self.members[cluster].len() as f32;
        let (a_size, b_size) = (size(a), size(b));
        for &k in self.active.iter().filter(|&&k| k != a) {
            let a_part = Part { size: a_size, to_k: self.dissimilarities.get(a, k) };
            let b_part = Part { size: b_size, to_k: self.dissimilarities.get(b, k) };
            let union = self.linkage.to_union(a_part, b_part, size(k), a_to_b);
            self.dissimilarities.set(a, k, union);
        }
        let joined = std::mem::take(&mut self.members[b]);
        self.members[a].extend(joined);
    }

    fn remove(&mut self, cluster: usize) {
        let position = self.active.binary_search(&cluster).expect("an active cluster");
        self.active.remove(position);
    }
}
