//! Mining in a batch of the paper's size: 1,800 faces, 45 people x 40, 70,200 pairs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use facenet_train::{MinerConfig, NegativeRule, PositiveRule, mine};

const PEOPLE: usize = 45;
const FACES: usize = 40;
const DIMENSION: usize = 128;

/// Unit rows; `spread` is how far a face lies from its person's centre: large, and the people are mixed up as
/// before training.
fn rows(spread: f32) -> Vec<f32> {
    let noise = |i: usize| ((i * 7919) as f32 * 0.618).sin();
    let mut rows = Vec::with_capacity(PEOPLE * FACES * DIMENSION);
    for row in 0..PEOPLE * FACES {
        let value = |i: usize| {
            noise(row / FACES * 131 + i * 104_729) + spread * noise(1_000_003 + row * 257 + i * 15_485_863)
        };
        let values: Vec<f32> = (0..DIMENSION).map(value).collect();
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        rows.extend(values.iter().map(|v| v / norm));
    }
    rows
}

fn mining(criterion: &mut Criterion) {
    use NegativeRule::{Hardest, SemiHardNearest, SemiHardOrFarthest, SemiHardRandom};

    let mut group = criterion.benchmark_group("mining 1800");
    group.sample_size(30);
    let labels: Vec<u32> = (0..PEOPLE * FACES).map(|i| (i / FACES) as u32).collect();
    let with = |rule, positives, cap| MinerConfig { rule, positives, cap, ..MinerConfig::default() };
    let cases = [
        ("semi-hard-random", with(SemiHardRandom, PositiveRule::All, 0.0)),
        ("semi-hard-nearest", with(SemiHardNearest, PositiveRule::All, 0.0)),
        ("semi-hard-or-farthest", with(SemiHardOrFarthest, PositiveRule::All, 0.0)),
        ("hardest", with(Hardest, PositiveRule::All, 0.0)),
        ("batch-hard", with(Hardest, PositiveRule::Hardest, 0.0)),
        ("semi-hard-random, cap 0.01", with(SemiHardRandom, PositiveRule::All, 0.01)),
    ];
    for (state, spread) in [("untrained", 8.0), ("half trained", 1.0), ("collapsed", 0.0)] {
        let mut rows = rows(spread);
        if state == "collapsed" {
            let first = rows[..DIMENSION].to_vec();
            rows.chunks_exact_mut(DIMENSION).for_each(|row| row.copy_from_slice(&first));
        }
        for (name, config) in cases {
            group.bench_function(format!("{name}, {state}"), |bencher| {
                bencher.iter(|| mine(black_box(&rows), &labels, config, 1).expect("unit rows"));
            });
        }
    }
}

criterion_group!(benches, mining);
criterion_main!(benches);
