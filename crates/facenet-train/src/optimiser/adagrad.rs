//! AdaGrad, the paper's optimiser: a rate of its own for each weight, by all gradients that it has seen.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::TASK;
use crate::range::{OutOfRange, within};

/// Keeps a step finite where no gradient has ever been seen.
const EPSILON: f32 = 1e-10;

/// The settings of AdaGrad (Duchi et al. 2011). The paper gives the learning rate alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaGradConfig {
    /// Where the sums of squared gradients start. At zero, the first step would move every weight by the whole
    /// learning rate.
    pub initial_accumulator: f32,
    /// The share of each convolution and connection weight that is added to its gradient.
    pub weight_decay: f32,
    /// The largest norm of all gradients together; none, no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
}

impl Default for AdaGradConfig {
    fn default() -> Self {
        Self { initial_accumulator: 1e-4, weight_decay: 0.0, clip_norm: None }
    }
}

impl AdaGradConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        let start = self.initial_accumulator;
        within(start >= 0.0 && start.is_finite(), "initial_accumulator", &start, "a number from 0")
    }
}

/// `w ← w − rate · g / √(Σ g²)`.
pub(super) fn step(rate: f32, decay: f32, values: &mut [f32], gradient: &[f32], sums: &mut [f32]) {
    assert_eq!(sums.len(), gradient.len(), "sums and gradient of a parameter");
    values.par_iter_mut().zip(sums).zip(gradient).with_min_len(TASK).for_each(|((value, sum), gradient)| {
        let gradient = gradient + decay * *value;
        *sum += gradient * gradient;
        *value -= rate * gradient / (sum.sqrt() + EPSILON);
    });
}
