//! 10⁸ pairs scored and ranked: every pair of 14,143 faces of 128 coordinates, VAL at six FARs, EER and ROC.
//!
//! `FACES` in the environment sets another number of faces. `benches/peers/eval_pairs.py` does the same in Python.

use criterion::{Criterion, criterion_group, criterion_main};
use facenet::kernels::{Matrix, Threads, multiply};
use facenet_core::Embedding;
use facenet_eval::{AllPairsFigures, DotProducts, FaceMatrix, PairSet, PlainProducts, Side, TARGET_FARS};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIMENSION: usize = 128;

/// Faces of a person, and how far they lie around a direction of their own: 1.6 between two of them, 2 between others.
const FACES_A_PERSON: usize = 10;
const SPREAD: f32 = 2.0;

struct Kernels;

impl DotProducts for Kernels {
    fn products(&self, left: Side<'_>, right: Side<'_>, dimension: usize, out: &mut [f32]) {
        let columns = right.rows;
        let left = Matrix::new(left.values, left.rows, dimension, dimension);
        let right = Matrix::new(right.values, right.rows, dimension, dimension);
        multiply(left, right.transposed(), out, columns, 0.0, Threads::One);
    }
}

fn faces(count: usize) -> FaceMatrix {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut direction = move || (0..DIMENSION).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let mut faces = FaceMatrix::new(DIMENSION);
    let mut own = direction();
    for face in 0..count {
        if face % FACES_A_PERSON == 0 {
            own = direction();
        }
        let values = own.iter().zip(direction()).map(|(own, noise)| own + SPREAD * noise).collect();
        let embedding = Embedding::normalize(values).expect("drawn directions are not zero");
        faces.push(&embedding, (face / FACES_A_PERSON) as u32).expect("one dimension");
    }
    faces
}

/// The most memory that the process ever held, as Linux tells it.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or("unknown".into(), |line| line["VmHWM:".len()..].trim().into())
}

fn all_pairs(criterion: &mut Criterion) {
    let count = std::env::var("FACES").ok().and_then(|faces| faces.parse().ok()).unwrap_or(14_143);
    let pairs = PairSet::within(&faces(count));
    let mut group = criterion.benchmark_group(format!("{} pairs", pairs.pairs()));
    group.sample_size(10);
    group.bench_function("kernels", |b| {
        b.iter(|| AllPairsFigures::measure(&pairs, &TARGET_FARS, &Kernels));
    });
    println!("peak memory {}", peak_memory());
    if count <= 20_000 {
        group.bench_function("plain products", |b| {
            b.iter(|| AllPairsFigures::measure(&pairs, &TARGET_FARS, &PlainProducts));
        });
    }
    group.finish();
    let found = AllPairsFigures::measure(&pairs, &TARGET_FARS, &Kernels).expect("both kinds were drawn");
    let vals: Vec<_> = found.val_at_far.iter().map(|point| point.map(|p| p.val)).collect();
    println!("VAL {vals:?}, EER {}, AUC {:?}", found.eer, found.auc);
}

criterion_group!(benches, all_pairs);
criterion_main!(benches);
