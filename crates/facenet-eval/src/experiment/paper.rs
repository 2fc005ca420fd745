//! What the paper found.

use serde::{Deserialize, Serialize};

use super::{ExperimentKind, Group};

/// A figure of the paper: VAL at FAR 1e-3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PaperVal {
    /// VAL, in `[0, 1]`.
    pub val: f64,
    /// Its standard error over five splits, where the paper gives one.
    pub standard_error: Option<f64>,
}

/// A row of one of the paper's tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaperRow {
    pub(super) group: Group,
    /// Where it stands on the axis of its group.
    pub(super) at: f64,
    pub(super) name: &'static str,
    pub(super) val: PaperVal,
}

/// Table 3. Multiply-adds as the paper gives them; of NN3, which it leaves out, by its table and input.
const NETWORKS: [(&str, f64, f64, f64); 6] = [
    ("nn1", 1.6e9, 87.9, 1.9),
    ("nn2", 1.6e9, 89.4, 1.6),
    ("nn3", 814.6e6, 88.3, 1.7),
    ("nn4", 285e6, 82.0, 2.3),
    ("nns1", 220e6, 82.4, 2.4),
    ("nns2", 20e6, 51.9, 2.9),
];

/// Table 4, left.
const JPEG: [(&str, f64, f64); 6] = [
    ("JPEG 10", 10.0, 67.3),
    ("JPEG 20", 20.0, 81.4),
    ("JPEG 30", 30.0, 83.9),
    ("JPEG 50", 50.0, 85.5),
    ("JPEG 70", 70.0, 86.1),
    ("JPEG 90", 90.0, 86.5),
];

/// Table 4, right.
const PIXELS: [(&str, f64, f64); 5] = [
    ("1,600 pixels", 1600.0, 37.8),
    ("6,400 pixels", 6400.0, 79.5),
    ("14,400 pixels", 14_400.0, 84.5),
    ("25,600 pixels", 25_600.0, 85.7),
    ("65,536 pixels", 65_536.0, 86.4),
];

/// Table 5.
const DIMENSIONS: [(&str, f64, f64, f64); 4] = [
    ("64", 64.0, 86.8, 1.7),
    ("128", 128.0, 87.9, 1.9),
    ("256", 256.0, 87.7, 1.9),
    ("512", 512.0, 85.6, 2.0),
];

/// Table 6.
const IMAGES: [(&str, f64, f64); 4] = [
    ("2,600,000", 2.6e6, 76.3),
    ("26,000,000", 26e6, 85.1),
    ("52,000,000", 52e6, 85.1),
    ("260,000,000", 260e6, 86.2),
];

/// The paper's rows of an experiment, in its order.
pub(super) fn rows(kind: ExperimentKind) -> Vec<PaperRow> {
    let row = |group: Group, (name, at, percent): (&'static str, f64, f64), error: Option<f64>| PaperRow {
        group,
        at,
        name,
        val: PaperVal { val: percent / 100.0, standard_error: error.map(|error| error / 100.0) },
    };
    let with_error =
        |group| move |&(name, at, percent, error): &_| row(group, (name, at, percent), Some(error));
    let without = |group| move |&(name, at, percent): &_| row(group, (name, at, percent), None);
    match kind {
        ExperimentKind::Network => NETWORKS.iter().map(with_error(Group::MultiplyAdds)).collect(),
        ExperimentKind::Image => {
            let jpeg = JPEG.iter().map(without(Group::JpegQuality));
            jpeg.chain(PIXELS.iter().map(without(Group::Pixels))).collect()
        }
        ExperimentKind::Dimension => DIMENSIONS.iter().map(with_error(Group::Dimensions)).collect(),
        ExperimentKind::Data => IMAGES.iter().map(without(Group::TrainingImages)).collect(),
        ExperimentKind::Invariance => Vec::new(),
    }
}

impl PaperRow {
    /// Whether it is about the same as a row of ours: the network of this name, with or without batch normalisation, or
    /// the same place on the axis.
    pub(super) fn is_beside(&self, group: Group, name: &str, at: f64) -> bool {
        match group {
            Group::MultiplyAdds => self.name == name.trim_end_matches("-bn"),
            _ => self.group == group && self.at == at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_paper_is_whole() {
        let count = |kind| rows(kind).len();
        use ExperimentKind::*;
        assert_eq!([Network, Image, Dimension, Data, Invariance].map(count), [6, 11, 4, 4, 0]);
    }

    #[test]
    fn a_network_stands_beside_its_variant_with_batch_normalisation() {
        let nn4 = rows(ExperimentKind::Network)[3];
        assert_eq!(nn4.val, PaperVal { val: 0.82, standard_error: Some(0.023) });
        for (name, expected) in [("nn4", true), ("nn4-bn", true), ("nn1", false), ("lite", false)] {
            assert_eq!(nn4.is_beside(Group::MultiplyAdds, name, 285e6), expected, "{name}");
        }
    }

    #[test]
    fn a_quality_stands_beside_the_same_quality_and_not_beside_as_many_pixels() {
        let jpeg10 = rows(ExperimentKind::Image)[0];
        assert!(jpeg10.is_beside(Group::JpegQuality, "JPEG 10", 10.0));
        assert!(!jpeg10.is_beside(Group::JpegQuality, "JPEG 20", 20.0));
        assert!(!jpeg10.is_beside(Group::Pixels, "10 pixels", 10.0));
    }
}
