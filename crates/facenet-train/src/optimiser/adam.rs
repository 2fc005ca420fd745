//! Adam, with weight decay apart from the gradient.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::TASK;
use crate::range::{OutOfRange, within};

/// The settings of Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019, AdamW).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// How much is kept of the mean of gradients, in `[0, 1)`.
    pub beta1: f32,
    /// How much is kept of the mean of squared gradients, in `[0, 1)`.
    pub beta2: f32,
    /// What is added to the root that a step is divided by, above 0.
    pub epsilon: f32,
    /// The share of each convolution and connection weight that a step at learning rate 1 takes away.
    pub weight_decay: f32,
    /// The largest norm of all gradients together; none, no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
}

impl Default for AdamConfig {
    /// Those of its paper, without weight decay.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: None }
    }
}

impl AdamConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        for (key, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            within((0.0..1.0).contains(&beta), key, &beta, "a number from 0 below 1")?;
        }
        let epsilon = self.epsilon;
        within(epsilon > 0.0 && epsilon.is_finite(), "epsilon", &epsilon, "a number above 0")
    }
}

/// The running means of a parameter's gradients and of their squares.
pub(super) struct Moments<'a> {
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    /// Steps with this one, from 1.
    pub(super) step: u64,
}

/// `w ← (1 − rate · decay) w − rate · m̂ / (√v̂ + ε)`, where `m̂` and `v̂` are corrected for having started at 0.
pub(super) fn step(
    config: &AdamConfig,
    rate: f32,
    decay: f32,
    values: &mut [f32],
    gradient: &[f32],
    moments: Moments,
) {
    let Moments { first, second, step } = moments;
    assert!(first.len() == gradient.len() && second.len() == gradient.len(), "moments of a parameter");
    let AdamConfig { beta1, beta2, epsilon, .. } = *config;
    // In f64: at the first step, 1 − 0.999 in f32 would miss by 1e-5 of itself.
    let correction = |beta: f32| 1.0 - f64::from(beta).powf(step as f64);
    let rate_of_mean = (f64::from(rate) / correction(beta1)) as f32;
    let root_of_squares = correction(beta2).sqrt() as f32;
    let kept = 1.0 - rate * decay;
    let moments = first.par_iter_mut().zip(second);
    values.par_iter_mut().zip(moments).zip(gradient).with_min_len(TASK).for_each(
        |((value, (first, second)), gradient)| {
            *first += (1.0 - beta1) * (gradient - *first);
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            *value = kept * *value - rate_of_mean * *first / (second.sqrt() / root_of_squares + epsilon);
        },
    );
}
