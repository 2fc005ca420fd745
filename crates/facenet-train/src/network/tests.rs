use facenet::network::table;
use facenet::{FrozenNetwork, Model};
use facenet_core::Preprocessing;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::loss::triplet_loss;
use crate::miner::Triplet;

fn network(name: &str) -> TrainNetwork {
    TrainNetwork::new(Graph::of(&table(name).unwrap(), 128), &mut ChaCha8Rng::seed_from_u64(3))
}

fn images(network: &TrainNetwork, count: usize) -> Vec<f32> {
    let len = count * network.graph().input().len();
    (0..len).map(|i| ((i * 31) as f32 * 0.013).sin()).collect()
}

#[test]
fn embeddings_are_unit_rows() {
    let network = network("lite");
    let pass = network.forward(images(&network, 3), None);
    for row in pass.embeddings.chunks_exact(128) {
        assert!((row.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

/// When the running statistics are those of the batch, the frozen network must give what training sees.
#[test]
fn the_frozen_network_equals_the_trained_one() {
    for name in ["lite", "nn4-bn"] {
        let mut network = network(name);
        let batch = images(&network, 4);
        let pass = network.forward(batch.clone(), None);
        for (node, statistics) in &pass.statistics {
            network.values_mut(&format!("{node}.norm.mean")).copy_from_slice(&statistics.mean);
            let values = pass.leaves.iter().find(|(leaf, _)| *leaf == format!("{node}.norm.gamma")).unwrap();
            assert_eq!(values.1.dims()[0], statistics.mean.len());
            // Back to the biased variance that the batch was normalised with.
            let node = network.graph().nodes().iter().find(|n| n.name == *node).unwrap();
            let count = (4 * node.output.area()) as f32;
            let variance = statistics.variance.iter().map(|v| v * (count - 1.0) / count).collect::<Vec<_>>();
            let name = format!("{}.norm.variance", node.name);
            network.values_mut(&name).copy_from_slice(&variance);
        }
        let edge_px = network.graph().input().height as u32;
        let preprocessing = Preprocessing { version: 1, edge_px, field: 0.875 };
        let model = Model::new(name, 128, preprocessing, Vec::new(), network.weights().unwrap());
        let frozen = FrozenNetwork::new(&model).forward(&batch);
        for (frozen, trained) in frozen.chunks_exact(128).zip(pass.embeddings.chunks_exact(128)) {
            let norm = frozen.iter().map(|v| v * v).sum::<f32>().sqrt();
            for (frozen, trained) in frozen.iter().zip(trained) {
                // Twenty layers of 32-bit sums in another order.
                assert!(
                    (frozen / norm - trained).abs() < 1e-4,
                    "{name}: {} against {trained}",
                    frozen / norm
                );
            }
        }
    }
}

#[test]
fn the_gradient_of_a_weight_is_that_of_finite_differences() {
    let network = network("lite");
    let batch = images(&network, 4);
    let triplets =
        [Triplet { anchor: 0, positive: 1, negative: 2 }, Triplet { anchor: 3, positive: 2, negative: 1 }];
    let loss = |network: &TrainNetwork| {
        let pass = network.forward(batch.clone(), None);
        // A margin that keeps every hinge open, so that the loss is smooth.
        (triplet_loss(&pass.embeddings, 128, &triplets, 4.0), pass)
    };
    let (at, pass) = loss(&network);
    let gradients = pass.backward(at.gradient);
    assert_eq!(
        gradients.len(),
        network.tensors().keys().filter(|n| !n.ends_with("mean") && !n.ends_with("variance")).count()
    );
    for name in ["embedding.weight", "residual4.second.norm.gamma", "conv3.weight", "conv1.norm.beta"] {
        // The steepest weight: its slope stands out of the rounding of the loss.
        let steepest = |(_, a): &(usize, &f32), (_, b): &(usize, &f32)| a.abs().total_cmp(&b.abs());
        let (index, found) = gradients[name].iter().enumerate().max_by(steepest).unwrap();
        let shifted = |by: f32| {
            let mut network = network.clone();
            network.values_mut(name)[index] += by;
            f64::from(loss(&network).0.value)
        };
        let step = 1e-3;
        let expected = ((shifted(step) - shifted(-step)) / f64::from(2.0 * step)) as f32;
        assert!(
            (found - expected).abs() < 0.05 * expected.abs() + 2e-3,
            "{name}: {found} against {expected}"
        );
    }
}
