//! A training step by network.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use facenet::network::{self, Graph};
use facenet_train::{
    MinerConfig, NegativeRule, Optimiser, OptimiserConfig, TrainNetwork, mine, triplet_loss,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Those whose step takes seconds at most.
const NETWORKS: [&str; 6] = ["nn4", "nn4-bn", "lite", "mobilefacenet", "nn2", "nn2-bn"];

/// Forward, mining, loss, backward, AdaGrad: all of a step but the loading of its batch.
fn training_step(criterion: &mut Criterion) {
    const BATCH: usize = 32;
    let mut group = criterion.benchmark_group("training step");
    group.sample_size(10);
    group.throughput(Throughput::Elements(BATCH as u64));
    for name in NETWORKS.into_iter().filter(|name| network::NAMES.contains(name)) {
        let graph = Graph::of(&network::table(name).expect("the network is known"), 128);
        let len = BATCH * graph.input().len();
        let images: Vec<f32> = (0..len).map(|i| (i as f32 * 0.013).sin()).collect();
        let labels: Vec<u32> = (0..BATCH as u32).map(|i| i / 4).collect();
        let mut network = TrainNetwork::new(graph, &mut ChaCha8Rng::seed_from_u64(1));
        let mut optimiser = Optimiser::new(OptimiserConfig::default());
        // The hardest negatives, so that there are triplets however far the bench has learnt.
        let miner = MinerConfig { margin: 4.0, rule: NegativeRule::Hardest, ..MinerConfig::default() };
        group.bench_function(format!("{name}, batch {BATCH}"), |bencher| {
            bencher.iter(|| {
                let pass = network.forward(images.clone(), None);
                let mined = mine(&pass.embeddings, &labels, miner, 1).expect("unit rows");
                let loss = triplet_loss(&pass.embeddings, 128, &mined.triplets, 0.2);
                let gradients = pass.backward(loss.gradient);
                let parameters = network.tensors_mut();
                optimiser.step(
                    1e-6,
                    parameters.filter_map(|(name, v)| Some((name, v, gradients.get(name)?.as_slice()))),
                );
            });
        });
    }
}

criterion_group!(benches, training_step);
criterion_main!(benches);
