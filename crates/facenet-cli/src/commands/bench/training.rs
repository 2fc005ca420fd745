//! How fast this machine trains.

use std::sync::Mutex;

use anyhow::Result;
use facenet::network::{self, Graph};
use facenet_train::{
    MinerConfig, NegativeRule, Optimiser, OptimiserConfig, TrainNetwork, mine, triplet_loss,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPool;

use super::{Measure, measure};

/// Faces of a training step.
const BATCH: usize = 32;

/// Faces that triplets are mined among: the batch of the paper (Schroff et al. 2015, §3.2), 45 people with 40 faces.
const LARGE_BATCH: usize = 1800;

const DIMENSION: usize = 128;

/// A training step and mining, in faces a second.
pub(super) fn measures(network: &str, pools: &[ThreadPool; 2]) -> Result<[Measure; 2]> {
    Ok([step(network, pools)?, mining(pools)])
}

/// Forward, mining, loss, backward and AdaGrad: all of a step but the loading of its batch.
fn step(network: &str, pools: &[ThreadPool; 2]) -> Result<Measure> {
    let graph = Graph::of(&network::table(network)?, DIMENSION);
    let images: Vec<f32> = (0..BATCH * graph.input().len()).map(|i| (i as f32 * 0.013).sin()).collect();
    let labels: Vec<u32> = (0..BATCH as u32).map(|i| i / 4).collect();
    let network = TrainNetwork::new(graph, &mut ChaCha8Rng::seed_from_u64(1));
    let state = Mutex::new((network, Optimiser::new(OptimiserConfig::default())));
    // The hardest negatives, so that there are triplets however far the bench has learnt.
    let miner = MinerConfig { margin: 4.0, rule: NegativeRule::Hardest, ..MinerConfig::default() };
    let step = || {
        let (network, optimiser) = &mut *state.lock().expect("no thread panics with the lock");
        let pass = network.forward(images.clone(), None);
        let mined = mine(&pass.embeddings, &labels, miner, 1).expect("unit rows");
        let loss = triplet_loss(&pass.embeddings, DIMENSION, &mined.triplets, 0.2);
        let gradients = pass.backward(loss.gradient);
        let parameters = network.tensors_mut();
        let parameters =
            parameters.filter_map(|(name, values)| Some((name, values, gradients.get(name)?.as_slice())));
        optimiser.step(1e-6, parameters);
    };
    Ok(measure("train", BATCH, pools, step))
}

fn mining(pools: &[ThreadPool; 2]) -> Measure {
    let rows: Vec<f32> = (0..LARGE_BATCH)
        .flat_map(|row| {
            let values: Vec<f32> =
                (0..DIMENSION).map(|i| ((row * 7919 + i * 104_729) as f32 * 0.618).sin()).collect();
            let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
            values.into_iter().map(move |v| v / norm)
        })
        .collect();
    let labels: Vec<u32> = (0..LARGE_BATCH as u32).map(|i| i / 40).collect();
    let mine = || drop(std::hint::black_box(mine(&rows, &labels, MinerConfig::default(), 1)));
    measure("mine", LARGE_BATCH, pools, mine)
}
