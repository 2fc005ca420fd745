//! Which distance counts as the same person.

use anyhow::bail;
use facenet_core::{Contract, Distance};
use facenet_gallery::Cut;
use serde::Serialize;

use crate::numbers::percent;

/// How the threshold is chosen.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ThresholdOptions {
    /// The largest share of pairs of two different people that may pass as one, above 0 and at most 1.
    ///
    /// The model's loosest calibrated threshold that keeps to it decides; `facenet model show` lists them. By default
    /// 1e-2 to verify, and 1e-3 to identify and to cluster, where every face is compared with many strangers.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    far: Option<f64>,
    /// Accept up to this squared distance (inclusive, 0 to 4) instead of a calibrated one.
    #[arg(long, value_name = "DISTANCE", value_parser = distance, conflicts_with = "far")]
    threshold: Option<Distance>,
}

/// A threshold in JSON; the rate and the data are `null` when it was chosen by hand.
#[derive(Debug, Serialize)]
pub(crate) struct ThresholdJson<'a> {
    distance: Distance,
    false_accept_rate: Option<f64>,
    data: Option<&'a str>,
}

impl ThresholdOptions {
    /// The threshold for embeddings under `contract`: as the arguments say, or calibrated to `default_far`.
    ///
    /// # Errors
    /// When the model has none that is strict enough, and none was given.
    pub(crate) fn choose<'a>(&self, contract: &'a Contract, default_far: f64) -> anyhow::Result<Cut<'a>> {
        if let Some(distance) = self.threshold {
            return Ok(Cut::Chosen(distance));
        }
        let far = self.far.unwrap_or(default_far);
        if let Some(threshold) = contract.threshold_at(far) {
            return Ok(Cut::Calibrated(threshold));
        }
        let model = contract.id();
        match contract.thresholds.iter().map(|t| t.false_accept_rate).reduce(f64::min) {
            Some(strictest) => bail!(
                "the model `{model}` has no threshold for a false accept rate of {far}: its strictest is calibrated \
                 to {strictest}\n\
                 hint: pass `--far {strictest}`, or choose a distance with `--threshold`"
            ),
            None => bail!(
                "the model `{model}` has no calibrated thresholds\n\
                 hint: choose a squared distance from 0 to 4 yourself, for example `--threshold 1.1`"
            ),
        }
    }
}

/// The threshold's JSON form.
pub(crate) fn json<'a>(cut: &Cut<'a>) -> ThresholdJson<'a> {
    let (false_accept_rate, data) = match *cut {
        Cut::Calibrated(threshold) => (Some(threshold.false_accept_rate), Some(threshold.data.as_str())),
        Cut::Chosen(_) | Cut::WrongPairs { .. } => (None, None),
    };
    ThresholdJson { distance: cut.distance(), false_accept_rate, data }
}

/// The threshold in words: `0.873 (false accept rate 0.1 % on pairs.txt)`.
pub(crate) fn words(cut: &Cut<'_>) -> String {
    match cut {
        Cut::Calibrated(t) => {
            format!(
                "{:.3} (false accept rate {} on {})",
                t.distance.value(),
                percent(t.false_accept_rate),
                t.data
            )
        }
        Cut::WrongPairs { distance, share } => {
            format!("{:.3} (about {} of joined pairs wrong)", distance.value(), percent(*share))
        }
        Cut::Chosen(distance) => {
            format!("{:.3} (chosen by hand, false accept rate unknown)", distance.value())
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1.0 => Ok(rate),
        _ => Err("expected a number above 0 and at most 1, for example 1e-3".into()),
    }
}

/// A distance as it is given to an option.
pub(crate) fn distance(text: &str) -> Result<Distance, String> {
    let value: f32 = text.parse().map_err(|_| "expected a number from 0 to 4")?;
    Distance::new(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use facenet_core::{Preprocessing, Threshold};

    use super::*;

    fn contract(rates: &[f64]) -> Contract {
        let threshold = |&far: &f64| Threshold {
            distance: Distance::new(0.5).unwrap(),
            false_accept_rate: far,
            data: "drawn".into(),
            interval: None,
        };
        Contract {
            network: "lite".into(),
            dimension: 128,
            weights: "0f3a9c1d2b4e55".into(),
            preprocessing: Preprocessing { version: 1, edge_px: 64, field: 0.875 },
            thresholds: rates.iter().map(threshold).collect(),
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        }
    }

    fn options(far: Option<f64>) -> ThresholdOptions {
        ThresholdOptions { far, threshold: None }
    }

    fn refusal(rates: &[f64], far: f64) -> String {
        options(Some(far)).choose(&contract(rates), 1.0).unwrap_err().to_string()
    }

    #[test]
    fn a_distance_given_by_hand_replaces_the_calibration() {
        let by_hand = ThresholdOptions { threshold: Some(Distance::MAX), ..options(None) };
        let contract = contract(&[1e-3]);
        assert_eq!(
            words(&by_hand.choose(&contract, 1e-3).unwrap()),
            "4.000 (chosen by hand, false accept rate unknown)"
        );
        let calibrated = options(None).choose(&contract, 1e-3).unwrap();
        assert_eq!(words(&calibrated), "0.500 (false accept rate 0.1 % on drawn)");
    }

    #[test]
    fn the_rate_that_is_given_replaces_the_default() {
        let contract = contract(&[1e-3, 1e-2]);
        let rate =
            |far, default_far| json(&options(far).choose(&contract, default_far).unwrap()).false_accept_rate;
        assert_eq!(rate(None, 1e-2), Some(1e-2));
        assert_eq!(rate(None, 1e-3), Some(1e-3));
        assert_eq!(rate(Some(5e-3), 1e-2), Some(1e-3));
    }

    #[test]
    fn a_model_that_cannot_answer_says_what_to_pass() {
        insta::assert_snapshot!(refusal(&[], 1e-3), @r"
        the model `lite-128-0f3a9c1d2b4e` has no calibrated thresholds
        hint: choose a squared distance from 0 to 4 yourself, for example `--threshold 1.1`
        ");
        insta::assert_snapshot!(refusal(&[0.01, 0.0009], 1e-4), @r"
        the model `lite-128-0f3a9c1d2b4e` has no threshold for a false accept rate of 0.0001: its strictest is calibrated to 0.0009
        hint: pass `--far 0.0009`, or choose a distance with `--threshold`
        ");
    }

    #[test]
    fn rates_and_distances_out_of_range_are_refused() {
        for text in ["0", "-1", "1.1", "NaN", "much"] {
            assert!(rate(text).is_err(), "{text}");
        }
        for text in ["-0.1", "4.1", "NaN", "far"] {
            assert!(distance(text).is_err(), "{text}");
        }
        assert_eq!((rate("1e-3"), rate("1")), (Ok(1e-3), Ok(1.0)));
        assert_eq!(distance("4"), Ok(Distance::MAX));
    }
}
