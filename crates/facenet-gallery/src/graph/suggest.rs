//! Questions instead of merges: clusters that may be one person.

use facenet_core::Distance;
use rayon::prelude::*;

use super::GroupOptions;
use super::edges::Edge;
use super::joiner::Joiner;

/// Two clusters that may be one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    /// A face of one cluster: of the faces that two clusters are linked by, those nearest to each other.
    pub a: usize,
    /// A face of the other.
    pub b: usize,
    /// The mean distance between the clusters' faces.
    pub distance: Distance,
    /// Why it is a question.
    pub why: Why,
}

/// Why two clusters are suggested to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Some faces are within the threshold, but the clusters on average are not: a person who changed, or relatives.
    SomeAlike,
    /// All are a little beyond the threshold.
    JustBeyond,
    /// Within the threshold, but a face is too poor to bring them together.
    Poor,
}

/// The nearest first, at equal distance by face.
pub(super) fn suggestions(
    joiner: &Joiner,
    edges: &[Edge],
    options: &GroupOptions,
    between: &(dyn Fn(u32, u32) -> f32 + Sync),
) -> Vec<Suggestion> {
    let limit = options.threshold.value() + options.suggest_within;
    let links = edges.par_iter().filter_map(|&(a, b)| {
        let (a_root, b_root) = (joiner.root(a), joiner.root(b));
        let pair = (a_root.min(b_root), a_root.max(b_root));
        let is_open = a_root != b_root && joiner.distance(a_root, b_root) <= limit;
        (is_open && !joiner.are_apart(a_root, b_root)).then(|| (pair, between(a, b), (a, b)))
    });
    let mut links: Vec<((u32, u32), f32, Edge)> = links.collect();
    links.par_sort_unstable_by(|x, y| {
        x.0.cmp(&y.0).then_with(|| x.1.total_cmp(&y.1)).then_with(|| x.2.cmp(&y.2))
    });
    links.dedup_by_key(|link| link.0);

    let suggestion = |&((x, y), nearest, (a, b)): &((u32, u32), f32, Edge)| {
        let distance = joiner.distance(x, y);
        let why = match (distance <= options.threshold.value(), nearest <= options.threshold.value()) {
            (true, _) => Why::Poor,
            (false, true) => Why::SomeAlike,
            (false, false) => Why::JustBeyond,
        };
        let distance = Distance::new(distance.min(4.0)).expect("a mean of squared distances");
        Suggestion { a: a as usize, b: b as usize, distance, why }
    };
    let mut suggestions: Vec<Suggestion> = links.iter().map(suggestion).collect();
    suggestions.sort_unstable_by_key(|s| (s.distance, s.a, s.b));
    suggestions
}
