use facenet::network::{NAMES, pyramid, table};
use facenet::{FrozenNetwork, Model};
use facenet_core::Preprocessing;
use rand::{RngExt, SeedableRng};
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

/// Networks whose passes take long in a build for tests; their layers are those of the others.
const SLOW: [&str; 3] = ["nn1", "nn2", "nn2-bn"];

fn quick_networks() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().filter(|name| !SLOW.contains(name))
}

/// When the running statistics are those of the batch, the frozen network must give what training sees.
#[test]
fn the_frozen_network_equals_the_trained_one() {
    for name in quick_networks() {
        let mut network = network(name);
        // Images that have nothing in common: norms enlarge small differences between images, and with them rounding.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let batch: Vec<f32> =
            (0..4 * network.graph().input().len()).map(|_| rng.random_range(-1.0..1.0)).collect();
        let pass = network.forward(batch.clone(), None);
        for (node, statistics) in &pass.recorded.statistics {
            network.values_mut(&format!("{node}.norm.mean")).copy_from_slice(&statistics.mean);
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
                // Up to fifty layers of 32-bit sums in another order.
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
fn embedding_without_a_way_back_gives_the_same_embeddings() {
    let network = network("lite");
    let batch = images(&network, 3);
    let dropout = Some(Dropout { share: 0.3, seeds: &[1, 2, 3] });
    assert_eq!(network.embed(batch.clone(), dropout), network.forward(batch, dropout).embeddings);
}

/// A detector's network, for small images.
fn pyramid_network() -> TrainNetwork {
    let graph = Graph::of_pyramid(&pyramid("lite-pyramid").unwrap(), 64, 96);
    TrainNetwork::new(graph, &mut ChaCha8Rng::seed_from_u64(3))
}

/// The maps of a detector, and the gradients of `Σ maps · weights`.
fn maps_pass(network: &TrainNetwork, batch: &[f32]) -> (Vec<Vec<f32>>, Gradients) {
    let pass = network.forward_maps(batch.to_vec(), None);
    let maps = pass.maps.clone();
    (maps.clone(), pass.backward(maps.iter().map(|map| waves(map.len())).collect()))
}

fn waves(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.71).sin()).collect()
}

#[test]
fn a_detector_computes_and_learns_the_same_on_other_devices() {
    let cpu = pyramid_network();
    let other = cpu.clone().on(ComputeDevice::portable());
    let batch = images(&cpu, 3);
    let (cpu, other) = (maps_pass(&cpu, &batch), maps_pass(&other, &batch));
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
    let close = |what: &str, a: &[f32], b: &[f32]| {
        let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
        // Rectifiers that rounding tips over move single values by more than rounding does.
        assert!(difference <= 2e-2 * (norm(&mut a.iter().copied()) + 1e-3), "{what}: {difference}");
    };
    assert_eq!(cpu.0.iter().map(Vec::len).collect::<Vec<_>>(), [3 * 15 * 96, 3 * 15 * 24, 3 * 15 * 6]);
    for (a, b) in cpu.0.iter().zip(&other.0) {
        close("map", a, b);
    }
    for (name, gradient) in &cpu.1 {
        close(name, gradient, &other.1[name]);
    }
}

#[test]
fn a_weight_of_a_detector_has_the_gradient_of_finite_differences_over_all_maps() {
    let network = pyramid_network();
    let batch = images(&network, 2);
    let (_, gradients) = maps_pass(&network, &batch);
    let value = |network: &TrainNetwork| -> f64 {
        let maps = network.forward_maps(batch.clone(), None).maps;
        let of = |map: &Vec<f32>| -> f64 {
            map.iter().zip(waves(map.len())).map(|(a, b)| f64::from(*a) * f64::from(b)).sum()
        };
        maps.iter().map(of).sum()
    };
    // The first is seen by all levels, the second by the finest alone, the third through both doublings.
    for name in ["conv3.norm.beta", "head8.output.weight", "lateral32.norm.beta"] {
        let steepest = |(_, a): &(usize, &f32), (_, b): &(usize, &f32)| a.abs().total_cmp(&b.abs());
        let (index, found) = gradients[name].iter().enumerate().max_by(steepest).unwrap();
        let shifted = |by: f32| {
            let mut network = network.clone();
            network.values_mut(name)[index] += by;
            value(&network)
        };
        let step = 1e-3;
        let expected = ((shifted(step) - shifted(-step)) / f64::from(2.0 * step)) as f32;
        assert!(
            (found - expected).abs() < 0.05 * expected.abs() + 2e-3,
            "{name}: {found} against {expected}"
        );
    }
}

/// The embeddings, the gradients of `Σ embeddings · weights`, and what the norms saw.
fn pass(network: &TrainNetwork, batch: &[f32]) -> (Vec<f32>, Gradients, Statistics) {
    let mut pass = network.forward(batch.to_vec(), None);
    let embeddings = pass.embeddings.clone();
    let weights = (0..embeddings.len()).map(|i| (i as f32 * 0.71).sin()).collect();
    let statistics = std::mem::take(&mut pass.recorded.statistics);
    (embeddings, pass.backward(weights), statistics)
}

/// Holds a pass of `network` on `device` against that on the CPU.
fn same_as_on_the_cpu(name: &str, device: ComputeDevice, images_count: usize) {
    let cpu = network(name);
    let other = cpu.clone().on(device);
    // Images that have nothing in common: norms enlarge small differences between images, and with them rounding.
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let batch: Vec<f32> =
        (0..images_count * cpu.graph().input().len()).map(|_| rng.random_range(-1.0..1.0)).collect();
    let (cpu, other) = (pass(&cpu, &batch), pass(&other, &batch));
    let close = |what: &str, a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len());
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>().sqrt();
        let difference = norm(&mut a.iter().zip(b).map(|(a, b)| a - b));
        // Maxima and rectifiers that rounding tips over move single values by more than rounding does.
        let scale = norm(&mut a.iter().copied()) + 1e-3;
        assert!(difference < 2e-2 * scale, "{name}, {what}: {difference} of {scale}");
        f64::from(difference / scale)
    };
    let embeddings = close("embeddings", &cpu.0, &other.0);
    assert_eq!(cpu.1.keys().collect::<Vec<_>>(), other.1.keys().collect::<Vec<_>>());
    let gradients = cpu.1.iter().map(|(weight, gradient)| close(weight, gradient, &other.1[weight]));
    let gradients = gradients.fold(0.0, f64::max);
    for ((node, a), (_, b)) in cpu.2.iter().zip(&other.2) {
        close(node, &a.mean, &b.mean);
        close(node, &a.variance, &b.variance);
    }
    println!("{name}: embeddings differ by {embeddings:.1e}, the worst gradient by {gradients:.1e}");
}

#[test]
fn whole_networks_compute_and_learn_the_same_on_other_devices() {
    for name in quick_networks() {
        same_as_on_the_cpu(name, ComputeDevice::portable(), 4);
    }
}

/// Needs a Vulkan driver, be it Mesa's for the CPU: `cargo test -p facenet-train --features vulkan -- --ignored`.
#[cfg(feature = "vulkan")]
#[test]
#[ignore = "needs a Vulkan driver"]
fn lite_computes_and_learns_the_same_by_vulkan() {
    use crate::device::{DeviceConfig, DeviceName};

    let device = DeviceConfig { name: DeviceName::Vulkan, ..DeviceConfig::default() }.open().unwrap();
    same_as_on_the_cpu("lite", device, 8);
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
