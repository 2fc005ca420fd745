//! The learning rate over the steps of a run.

use serde::{Deserialize, Serialize};

use crate::range::{OutOfRange, within};

/// Steps and learning rate: a linear warm-up, a plateau, and a way down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Batches to learn from.
    pub steps: u64,
    /// The rate of the plateau; 0.05 in the paper (§3).
    #[serde(default = "default_learning_rate")]
    pub learning_rate: f32,
    /// Steps until the plateau is reached.
    #[serde(default)]
    pub warm_up: u64,
    /// The share of all steps after which the rate is lowered along a cosine or line, in `[0, 1]`: the paper lowers it
    /// "to finalize the model" and does not say when.
    #[serde(default = "default_plateau")]
    pub plateau: f64,
    /// The rate at the end of a cosine or line, as a share of the plateau's.
    #[serde(default = "default_final_share")]
    pub final_share: f32,
    /// How the rate is lowered.
    #[serde(default, skip_serializing_if = "ScheduleShape::is_default")]
    pub shape: ScheduleShape,
}

/// How the rate is lowered: `shape = "linear"`, or `shape.steps = { at = [8000, 12000], factor = 0.1 }`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ScheduleShape {
    /// Along half a cosine, from the end of the plateau to the final rate.
    #[default]
    Cosine,
    /// Along a line, from the end of the plateau to the final rate.
    Linear,
    /// Multiplied at given steps; `plateau` and `final_share` do not count.
    Steps {
        /// The steps, counted from 0, from which on the rate is lower; rising.
        at: Vec<u64>,
        /// What the rate is multiplied by at each, above 0, up to 1.
        factor: f32,
    },
    /// Never; `plateau` and `final_share` do not count.
    Constant,
}

impl ScheduleShape {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

fn default_learning_rate() -> f32 {
    0.05
}

fn default_plateau() -> f64 {
    0.5
}

fn default_final_share() -> f32 {
    0.01
}

impl ScheduleConfig {
    /// The learning rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f32 {
        if step < self.warm_up {
            return self.learning_rate * (step + 1) as f32 / self.warm_up as f32;
        }
        let fall = |share: f32| self.learning_rate * (self.final_share + (1.0 - self.final_share) * share);
        match &self.shape {
            ScheduleShape::Cosine => fall((1.0 + (std::f32::consts::PI * self.progress(step)).cos()) / 2.0),
            ScheduleShape::Linear => fall(1.0 - self.progress(step)),
            ScheduleShape::Steps { at, factor } => {
                let passed = at.iter().filter(|at| step >= **at).count();
                self.learning_rate * factor.powi(passed as i32)
            }
            ScheduleShape::Constant => self.learning_rate,
        }
    }

    /// How much of the way down is behind, in `[0, 1]`.
    fn progress(&self, step: u64) -> f32 {
        let start = self.plateau * self.steps as f64;
        ((step as f64 - start) / (self.steps as f64 - start).max(1.0)).clamp(0.0, 1.0) as f32
    }

    /// Checks that each setting is within its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let Self { steps, learning_rate: rate, plateau, final_share, .. } = *self;
        within(steps > 0, "steps", &steps, "at least 1")?;
        within(rate > 0.0 && rate.is_finite(), "learning_rate", &rate, "a number above 0")?;
        within((0.0..=1.0).contains(&plateau), "plateau", &plateau, "a share from 0 to 1")?;
        within((0.0..=1.0).contains(&final_share), "final_share", &final_share, "a share from 0 to 1")?;
        if let ScheduleShape::Steps { at, factor } = &self.shape {
            let rising = !at.is_empty() && at.is_sorted_by(|a, b| a < b);
            within(rising, "shape.steps.at", &format!("{at:?}"), "rising steps, at least one")?;
            let holds = *factor > 0.0 && *factor <= 1.0;
            within(holds, "shape.steps.factor", factor, "a number above 0, up to 1")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(extra: &str) -> ScheduleConfig {
        let text = format!("steps = 100\nlearning_rate = 0.5\nwarm_up = 10\nfinal_share = 0.1\n{extra}");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn the_rate_warms_up_stays_and_falls_to_its_final_share() {
        let schedule = schedule("");
        assert!((schedule.rate(0) - 0.05).abs() < 1e-6);
        assert_eq!((schedule.rate(9), schedule.rate(10), schedule.rate(50)), (0.5, 0.5, 0.5));
        assert!((schedule.rate(75) - 0.275).abs() < 1e-6);
        assert!((schedule.rate(100) - 0.05).abs() < 1e-6);
        assert!((schedule.rate(5000) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn a_line_falls_evenly_from_the_plateau() {
        let schedule = schedule("shape = \"linear\"");
        assert_eq!(schedule.rate(50), 0.5);
        // A quarter and the whole of the way from 0.5 down to 0.05; the cosine lies at 0.434 there.
        assert!((schedule.rate(62) - (0.5 - 0.24 * 0.45)).abs() < 1e-6);
        assert!((schedule.rate(100) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn steps_lower_the_rate_from_the_step_that_they_name() {
        let schedule = schedule("shape.steps = { at = [40, 80], factor = 0.1 }");
        assert_eq!([9, 39, 40].map(|step| schedule.rate(step)), [0.5, 0.5, 0.05]);
        assert!((schedule.rate(79) - 0.05).abs() < 1e-7);
        assert!((schedule.rate(80) - 0.005).abs() < 1e-7);
        assert!((schedule.rate(99) - 0.005).abs() < 1e-7);
    }

    #[test]
    fn a_constant_rate_stays_after_the_warm_up() {
        let schedule = schedule("shape = \"constant\"");
        assert!((schedule.rate(0) - 0.05).abs() < 1e-6);
        assert_eq!((schedule.rate(10), schedule.rate(99)), (0.5, 0.5));
    }

    #[test]
    fn every_shape_reads_back_as_it_was_written_and_the_first_leaves_no_trace() {
        for extra in ["", "shape = \"constant\"", "shape.steps = { at = [1], factor = 0.5 }"] {
            let schedule = schedule(extra);
            let text = toml::to_string(&schedule).unwrap();
            assert_eq!(toml::from_str::<ScheduleConfig>(&text).unwrap(), schedule);
            assert_eq!(text.contains("shape"), !extra.is_empty(), "{text}");
        }
        let error = toml::from_str::<ScheduleConfig>("steps = 1\nshape = \"cosin\"").unwrap_err().to_string();
        assert!(error.contains("expected one of `cosine`, `linear`, `steps`, `constant`"), "{error}");
    }

    #[test]
    fn steps_that_do_not_rise_and_factors_that_raise_are_out_of_range() {
        for (extra, expected) in [
            (
                "at = [5, 5], factor = 0.1",
                "`shape.steps.at` is [5, 5], but expected rising steps, at least one",
            ),
            ("at = [], factor = 0.1", "`shape.steps.at` is [], but expected rising steps, at least one"),
            ("at = [5], factor = 1.5", "`shape.steps.factor` is 1.5, but expected a number above 0, up to 1"),
            ("at = [5], factor = nan", "`shape.steps.factor` is NaN, but expected a number above 0, up to 1"),
        ] {
            let error = schedule(&format!("shape.steps = {{ {extra} }}")).check().unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(schedule("").check(), Ok(()));
        assert_eq!(schedule("shape.steps = { at = [5, 6], factor = 1.0 }").check(), Ok(()));
    }
}
