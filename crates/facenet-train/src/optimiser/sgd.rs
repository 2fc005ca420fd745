//! Stochastic gradient descent.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::TASK;
use crate::range::{OutOfRange, within};

/// The settings of stochastic gradient descent, in PyTorch's convention: `v ← momentum · v + g`, `w ← w − rate · v`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// How much of the last step's direction is kept, in `[0, 1)`.
    pub momentum: f32,
    /// Whether the gradient counts once more than the momentum carries it: `w ← w − rate · (g + momentum · v)`
    /// (Sutskever et al. 2013).
    pub nesterov: bool,
    /// The share of each convolution and connection weight that is added to its gradient.
    pub weight_decay: f32,
    /// The largest norm of all gradients together; none, no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f32>,
}

impl Default for SgdConfig {
    /// A momentum of 0.9, as usual for convolutional networks since Krizhevsky et al. 2012.
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false, weight_decay: 0.0, clip_norm: None }
    }
}

impl SgdConfig {
    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        within((0.0..1.0).contains(&self.momentum), "momentum", &self.momentum, "a number from 0 below 1")?;
        let holds = self.momentum > 0.0 || !self.nesterov;
        within(holds, "nesterov", &self.nesterov, "false where `momentum` is 0")
    }
}

/// `w ← w − rate · g`.
pub(super) fn step(rate: f32, decay: f32, values: &mut [f32], gradient: &[f32]) {
    values.par_iter_mut().zip(gradient).with_min_len(TASK).for_each(|(value, gradient)| {
        *value -= rate * (gradient + decay * *value);
    });
}

/// The same along the momentum, whose velocity starts at 0.
pub(super) fn step_with_momentum(
    config: &SgdConfig,
    rate: f32,
    decay: f32,
    values: &mut [f32],
    gradient: &[f32],
    velocity: &mut [f32],
) {
    assert_eq!(velocity.len(), gradient.len(), "velocity and gradient of a parameter");
    let SgdConfig { momentum, nesterov, .. } = *config;
    values.par_iter_mut().zip(velocity).zip(gradient).with_min_len(TASK).for_each(
        |((value, velocity), gradient)| {
            let gradient = gradient + decay * *value;
            *velocity = momentum * *velocity + gradient;
            *value -= rate * if nesterov { gradient + momentum * *velocity } else { *velocity };
        },
    );
}
