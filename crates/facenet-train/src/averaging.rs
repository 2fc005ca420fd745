//! The exponential moving average of the weights, which validates better than the weights of any one step.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::range::{OutOfRange, within};

/// What the names of averaged tensors start with in [`Averaging::state`].
const PREFIX: &str = "average.";

/// The settings of averaging.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AveragingConfig {
    /// How much of the average a step keeps, in `[0, 1)`: 0.999 looks back over about 1,000 steps.
    pub decay: f32,
    /// The step, counted from 0, after which averaging begins, with the weights as they are then.
    pub from: u64,
}

impl Default for AveragingConfig {
    fn default() -> Self {
        Self { decay: 0.999, from: 0 }
    }
}

impl AveragingConfig {
    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        within((0.0..1.0).contains(&self.decay), "decay", self.decay, "a number from 0 below 1")
    }
}

/// An average with its state: of all tensors that it is given, running means and variances among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Averaging {
    config: AveragingConfig,
    state: BTreeMap<String, Vec<f32>>,
    updates: u64,
}

impl Averaging {
    /// An average of nothing yet.
    pub fn new(config: AveragingConfig) -> Self {
        Self::with_state(config, BTreeMap::new(), 0)
    }

    /// An average that goes on with the state of an earlier one of the same settings.
    pub fn with_state(config: AveragingConfig, state: BTreeMap<String, Vec<f32>>, updates: u64) -> Self {
        Self { config, state, updates }
    }

    /// Takes in the tensors after `step`, counted from 0; nothing happens before the first step that is averaged.
    ///
    /// The `n`-th update keeps `min(decay, (1 + n) / (10 + n))` of the average, `n` from 0, so that the weights it began
    /// with do not linger (the convention of TensorFlow's `ExponentialMovingAverage` with `num_updates`).
    ///
    /// # Panics
    /// When a tensor has changed its length.
    pub fn update<'a>(&mut self, step: u64, tensors: impl Iterator<Item = (&'a str, &'a [f32])>) {
        if step < self.config.from {
            return;
        }
        let n = self.updates as f64;
        let rest = 1.0 - f64::from(self.config.decay).min((1.0 + n) / (10.0 + n)) as f32;
        for (name, values) in tensors {
            let average = self.state.entry(format!("{PREFIX}{name}")).or_insert_with(|| values.to_vec());
            assert_eq!(average.len(), values.len(), "average and values of `{name}`");
            average
                .par_iter_mut()
                .zip(values)
                .with_min_len(1 << 14)
                .for_each(|(average, value)| *average += rest * (value - *average));
        }
        self.updates += 1;
    }

    /// The average of a tensor; none before the first step that is averaged.
    pub fn of(&self, name: &str) -> Option<&[f32]> {
        self.state.get(&format!("{PREFIX}{name}")).map(Vec::as_slice)
    }

    /// The averages as `average.NAME`, for a checkpoint.
    pub fn state(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.state
    }

    /// Steps that were averaged.
    pub fn updates(&self) -> u64 {
        self.updates
    }
}
