//! AdaGrad, the paper's optimiser.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::network::{Gradients, TrainNetwork};

/// Keeps a step finite where no gradient has ever been seen.
const EPSILON: f32 = 1e-10;

/// The settings of AdaGrad (Duchi et al. 2011). The paper gives the learning rate alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaGradConfig {
    /// Where the sums of squared gradients start. At zero, the first step would move every weight by the whole
    /// learning rate.
    pub initial_accumulator: f32,
    /// The share of each convolution and connection weight that a step at learning rate 1 takes away; norms and
    /// biases are left alone.
    pub weight_decay: f32,
}

impl Default for AdaGradConfig {
    fn default() -> Self {
        Self { initial_accumulator: 1e-4, weight_decay: 0.0 }
    }
}

/// AdaGrad with its state.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaGrad {
    config: AdaGradConfig,
    /// By weight: the sums of squared gradients.
    sums: BTreeMap<String, Vec<f32>>,
}

impl AdaGrad {
    /// An optimiser that has seen nothing yet.
    pub fn new(config: AdaGradConfig) -> Self {
        Self { config, sums: BTreeMap::new() }
    }

    /// An optimiser that goes on with earlier sums.
    pub fn with_sums(config: AdaGradConfig, sums: BTreeMap<String, Vec<f32>>) -> Self {
        Self { config, sums }
    }

    /// The sums of squared gradients by weight.
    pub fn sums(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.sums
    }

    /// Moves each weight against its gradient: `w ← w − rate · g / √(Σ g²)`.
    pub fn step(&mut self, network: &mut TrainNetwork, gradients: &Gradients, rate: f32) {
        for (name, gradient) in gradients {
            let start = self.config.initial_accumulator;
            let sums = self.sums.entry(name.clone()).or_insert_with(|| vec![start; gradient.len()]);
            let decay = if name.ends_with(".weight") { self.config.weight_decay } else { 0.0 };
            let values = network.values_mut(name);
            values.par_iter_mut().zip(sums).zip(gradient).with_min_len(1 << 14).for_each(
                |((value, sum), gradient)| {
                    let gradient = gradient + decay * *value;
                    *sum += gradient * gradient;
                    *value -= rate * gradient / (sum.sqrt() + EPSILON);
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use facenet::network::{Graph, table};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn two_steps_worked_by_hand() {
        let graph = Graph::of(&table("lite").unwrap(), 2);
        let mut network = TrainNetwork::new(graph, &mut ChaCha8Rng::seed_from_u64(1));
        network.values_mut("embedding.bias").copy_from_slice(&[1.0, -1.0]);
        let gradients = Gradients::from([("embedding.bias".to_owned(), vec![3.0, 0.0])]);

        let mut optimiser = AdaGrad::new(AdaGradConfig { initial_accumulator: 16.0, weight_decay: 0.5 });
        optimiser.step(&mut network, &gradients, 0.1);
        // 16 + 9 = 25: 1 - 0.1 · 3 / 5; no gradient and no decay of a bias leave the other where it is.
        assert_eq!(network.tensors()["embedding.bias"].values, [0.94, -1.0]);
        optimiser.step(&mut network, &gradients, 0.1);
        let expected = 0.94 - 0.1 * 3.0 / 34.0f32.sqrt();
        assert!((network.tensors()["embedding.bias"].values[0] - expected).abs() < 1e-6);
        assert_eq!(optimiser.sums()["embedding.bias"], [34.0, 16.0]);
    }
}
