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
        within((0.0..1.0).contains(&self.decay), "decay", &self.decay, "a number from 0 below 1")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn update(averaging: &mut Averaging, step: u64, value: f32) {
        let tensors = [("conv1.weight", [value, -value]), ("conv1.norm.mean", [0.0, 2.0 * value])];
        averaging.update(step, tensors.iter().map(|(name, values)| (*name, &values[..])));
    }

    #[test]
    fn the_average_starts_with_the_weights_and_keeps_more_of_itself_each_step() {
        let mut averaging = Averaging::new(AveragingConfig { decay: 0.15, from: 2 });
        update(&mut averaging, 0, 100.0);
        update(&mut averaging, 1, 100.0);
        assert_eq!((averaging.of("conv1.weight"), averaging.updates()), (None, 0));

        update(&mut averaging, 2, 1.0);
        assert_eq!(averaging.of("conv1.weight"), Some(&[1.0, -1.0][..]));
        update(&mut averaging, 3, 2.0);
        // The second update keeps 2/11 by the warm-up, which the decay holds to 0.15.
        let expected = 0.15 + 0.85 * 2.0;
        assert!((averaging.of("conv1.weight").unwrap()[0] - expected).abs() < 1e-6);
        assert!((averaging.of("conv1.norm.mean").unwrap()[1] - 2.0 * expected).abs() < 1e-6);
        assert_eq!((averaging.of("conv2.weight"), averaging.updates()), (None, 2));
    }

    #[test]
    fn the_warm_up_is_that_of_tensorflow() {
        let mut averaging = Averaging::new(AveragingConfig::default());
        let mut expected = 0.0f64;
        for n in 0..6 {
            let value = f64::from(n * n);
            update(&mut averaging, n as u64, value as f32);
            let keep = f64::from(1 + n) / f64::from(10 + n);
            expected = keep * expected + (1.0 - keep) * value;
        }
        assert!((f64::from(averaging.of("conv1.weight").unwrap()[0]) - expected).abs() < 1e-5);
    }

    #[test]
    fn resuming_from_the_state_equals_going_on() {
        let config = AveragingConfig { decay: 0.9, from: 1 };
        let mut whole = Averaging::new(config);
        (0..4).for_each(|step| update(&mut whole, step, step as f32));
        let mut resumed = Averaging::with_state(config, whole.state().clone(), whole.updates());
        for averaging in [&mut whole, &mut resumed] {
            (4..9).for_each(|step| update(averaging, step, step as f32));
        }
        assert_eq!(whole, resumed);
        let names: Vec<&str> = whole.state().keys().map(String::as_str).collect();
        assert_eq!(names, ["average.conv1.norm.mean", "average.conv1.weight"]);
    }

    #[test]
    fn a_decay_of_one_would_never_learn_and_is_refused() {
        let check = |decay| AveragingConfig { decay, from: 0 }.check().map_err(|e| e.to_string());
        assert_eq!(check(1.0), Err("`decay` is 1, but expected a number from 0 below 1".into()));
        assert_eq!((check(0.0), check(0.9999)), (Ok(()), Ok(())));
    }
}
