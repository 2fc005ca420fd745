//! How weights move against their gradients: AdaGrad, the paper's first choice; SGD, its other; and Adam.

mod adagrad;
mod adam;
mod clip;
mod sgd;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use adagrad::AdaGradConfig;
pub use adam::AdamConfig;
pub use clip::clip;
pub use sgd::SgdConfig;

use crate::range::{OutOfRange, within};

/// Values of one task of a long tensor.
const TASK: usize = 1 << 14;

/// Which optimiser, with its settings; in TOML a table with the name as its `kind`, `adagrad` where that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OptimiserConfig {
    /// AdaGrad (Duchi et al. 2011).
    Adagrad(AdaGradConfig),
    /// Stochastic gradient descent, with momentum or without.
    Sgd(SgdConfig),
    /// Adam (Kingma and Ba 2015) with decoupled weight decay: AdamW (Loshchilov and Hutter 2019).
    Adam(AdamConfig),
}

impl Default for OptimiserConfig {
    /// The paper's (§3).
    fn default() -> Self {
        Self::Adagrad(AdaGradConfig::default())
    }
}

impl<'de> Deserialize<'de> for OptimiserConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By hand, because serde has no default for a tag.
        let mut table = toml::Table::deserialize(deserializer)?;
        let kind = table.remove("kind").unwrap_or_else(|| "adagrad".into());
        let read = match kind.as_str() {
            Some("adagrad") => table.try_into().map(Self::Adagrad),
            Some("sgd") => table.try_into().map(Self::Sgd),
            Some("adam") => table.try_into().map(Self::Adam),
            _ => {
                let text = format!("unknown optimiser `kind = {kind}`, expected `adagrad`, `sgd` or `adam`");
                return Err(D::Error::custom(text));
            }
        };
        read.map_err(|error| D::Error::custom(error.message()))
    }
}

impl OptimiserConfig {
    /// The largest norm of all gradients of a step together, for [`clip`]; none, no limit.
    pub fn clip_norm(&self) -> Option<f32> {
        match self {
            Self::Adagrad(config) => config.clip_norm,
            Self::Sgd(config) => config.clip_norm,
            Self::Adam(config) => config.clip_norm,
        }
    }

    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        if let Some(norm) = self.clip_norm() {
            within(norm > 0.0 && norm.is_finite(), "clip_norm", &norm, "a number above 0")?;
        }
        let decay = self.weight_decay();
        within((0.0..1.0).contains(&decay), "weight_decay", &decay, "a number from 0 below 1")?;
        match self {
            Self::Adagrad(config) => config.check(),
            Self::Sgd(config) => config.check(),
            Self::Adam(config) => config.check(),
        }
    }

    fn weight_decay(&self) -> f32 {
        match self {
            Self::Adagrad(config) => config.weight_decay,
            Self::Sgd(config) => config.weight_decay,
            Self::Adam(config) => config.weight_decay,
        }
    }
}

/// An optimiser with its state. It knows tensors by name alone, so that the network's weights and a loss's own share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimiser {
    config: OptimiserConfig,
    state: BTreeMap<String, Vec<f32>>,
    steps: u64,
}

impl Optimiser {
    /// An optimiser that has seen nothing yet.
    pub fn new(config: OptimiserConfig) -> Self {
        Self::with_state(config, BTreeMap::new(), 0)
    }

    /// An optimiser that goes on with the state of an earlier one of the same settings.
    pub fn with_state(config: OptimiserConfig, state: BTreeMap<String, Vec<f32>>, steps: u64) -> Self {
        Self { config, state, steps }
    }

    /// The settings.
    pub fn config(&self) -> &OptimiserConfig {
        &self.config
    }

    /// What it remembers of each parameter, in the parameter's length: the sums of squares `adagrad.NAME`, the momentum
    /// `sgd.NAME`, the moments `adam.m.NAME` and `adam.v.NAME`. Empty before the first step, and for SGD without
    /// momentum.
    pub fn state(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.state
    }

    /// Steps that were taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Takes one step: moves each parameter, given as name, values and gradient. Weight decay acts on names that end
    /// in `.weight`; norms and biases are left alone. Adam expects every parameter in every step: its bias correction
    /// counts steps, not those of a single parameter.
    ///
    /// # Panics
    /// When values, gradient and state of a parameter differ in length.
    pub fn step<'a>(
        &mut self,
        rate: f32,
        parameters: impl Iterator<Item = (&'a str, &'a mut [f32], &'a [f32])>,
    ) {
        self.steps += 1;
        for (name, values, gradient) in parameters {
            assert_eq!(values.len(), gradient.len(), "values and gradient of `{name}`");
            let decay = if name.ends_with(".weight") { self.config.weight_decay() } else { 0.0 };
            match &self.config {
                OptimiserConfig::Adagrad(config) => {
                    let sums =
                        state(&mut self.state, "adagrad", name, gradient.len(), config.initial_accumulator);
                    adagrad::step(rate, decay, values, gradient, sums);
                }
                OptimiserConfig::Sgd(config) if config.momentum == 0.0 => {
                    sgd::step(rate, decay, values, gradient);
                }
                OptimiserConfig::Sgd(config) => {
                    let velocity = state(&mut self.state, "sgd", name, gradient.len(), 0.0);
                    sgd::step_with_momentum(config, rate, decay, values, gradient, velocity);
                }
                OptimiserConfig::Adam(config) => {
                    // Two entries of one map: the first is taken out while the second is borrowed.
                    let mut first =
                        std::mem::take(state(&mut self.state, "adam.m", name, gradient.len(), 0.0));
                    let second = state(&mut self.state, "adam.v", name, gradient.len(), 0.0);
                    let moments = adam::Moments { first: &mut first, second, step: self.steps };
                    adam::step(config, rate, decay, values, gradient, moments);
                    *state(&mut self.state, "adam.m", name, 0, 0.0) = first;
                }
            }
        }
    }
}

/// The state of a parameter, begun where there is none.
fn state<'a>(
    states: &'a mut BTreeMap<String, Vec<f32>>,
    kind: &str,
    name: &str,
    len: usize,
    start: f32,
) -> &'a mut Vec<f32> {
    states.entry(format!("{kind}.{name}")).or_insert_with(|| vec![start; len])
}

#[cfg(test)]
mod tests;
