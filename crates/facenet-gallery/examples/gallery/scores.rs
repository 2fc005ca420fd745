//! How clusters agree with people.

use std::collections::HashMap;

/// Pairwise precision, recall and F, and BCubed F; as `facenet_eval::ClusteringScores`.
pub(crate) fn scores(truth: &[u32], labels: &[u32]) -> [f64; 4] {
    let mut both: HashMap<(u32, u32), f64> = HashMap::new();
    let (mut people, mut clusters): (HashMap<u32, f64>, HashMap<u32, f64>) = Default::default();
    for (&person, &label) in truth.iter().zip(labels) {
        *both.entry((person, label)).or_default() += 1.0;
        *people.entry(person).or_default() += 1.0;
        *clusters.entry(label).or_default() += 1.0;
    }
    let pairs = |n: &f64| n * (n - 1.0) / 2.0;
    let right: f64 = both.values().map(pairs).sum();
    let (found, wanted): (f64, f64) = (clusters.values().map(pairs).sum(), people.values().map(pairs).sum());
    let (mut pure, mut whole) = (0.0, 0.0);
    for ((person, label), n) in &both {
        pure += n * n / clusters[label];
        whole += n * n / people[person];
    }
    let bcubed = 2.0 * pure * whole / (pure + whole) / truth.len() as f64;
    [right / found.max(1.0), right / wanted.max(1.0), 2.0 * right / (found + wanted).max(1.0), bcubed]
}
