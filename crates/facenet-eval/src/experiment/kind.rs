//! The five kinds of experiment, and along which axes they go.

use serde::{Deserialize, Serialize};

/// What is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExperimentKind {
    /// The network (Table 3), over its multiply-adds (Figure 4).
    Network,
    /// JPEG quality and number of pixels of the images (Table 4).
    Image,
    /// The coordinates of an embedding (Table 5).
    Dimension,
    /// The number of images that are learnt from (Table 6).
    Data,
    /// Where in its crop the face lies: shifted, turned, larger or smaller.
    Invariance,
}

/// An axis of an experiment: a block of rows in its table, and a panel in its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Multiply-adds of a network.
    MultiplyAdds,
    /// JPEG quality, 1 to 100.
    JpegQuality,
    /// Pixels of the face: width times height.
    Pixels,
    /// Coordinates of an embedding.
    Dimensions,
    /// Images that were learnt from.
    TrainingImages,
    /// To the right, as a share of the face's edge.
    ShiftRight,
    /// Downwards, as a share of the face's edge.
    ShiftDown,
    /// Clockwise, in degrees.
    Rotation,
    /// How many times as large.
    Scale,
}

/// A number that a row states beside its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactColumn {
    /// What it is.
    pub name: String,
    /// How it is printed.
    pub unit: FactUnit,
}

/// How a fact is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactUnit {
    /// A whole number, in groups of three digits.
    Count,
    /// A squared distance, with three decimals.
    Distance,
}

impl ExperimentKind {
    /// Its name, as in the configs: `network`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Image => "image",
            Self::Dimension => "dimension",
            Self::Data => "data",
            Self::Invariance => "invariance",
        }
    }

    /// The title of its table and its picture.
    pub fn title(self) -> &'static str {
        match self {
            Self::Network => "VAL by network",
            Self::Image => "VAL by image quality and size",
            Self::Dimension => "VAL by dimension of the embedding",
            Self::Data => "VAL by amount of training data",
            Self::Invariance => "VAL by place of the face",
        }
    }

    /// What the paper has of it, and how its figures differ from those beside them.
    pub fn of_paper(self) -> &'static str {
        match self {
            Self::Network => {
                "Table 3 and Figure 4 of Schroff et al. 2015: VAL at FAR 1e-3 on hold-out images, five splits of \
                 100,000 × 100,000 pairs, after learning from 100 to 200 million images. The figure of a network \
                 stands beside its variant with batch normalisation too."
            }
            Self::Image => {
                "Table 4 of Schroff et al. 2015: NN1, VAL at FAR 1e-3 on the first hold-out split. Both images of a \
                 pair are changed."
            }
            Self::Dimension => {
                "Table 5 of Schroff et al. 2015: NN1, VAL at FAR 1e-3 on hold-out images, five splits. The paper \
                 holds its differences for insignificant."
            }
            Self::Data => {
                "Table 6 of Schroff et al. 2015: a network of 96-pixel inputs, 700 hours, VAL at FAR 1e-3 on personal \
                 photos."
            }
            Self::Invariance => {
                "Schroff et al. 2015 align faces by shift and scale alone (§1) and give no figures for this. One \
                 image of a pair is changed, the other is as it was."
            }
        }
    }

    /// Whether only one image of a pair is changed.
    pub fn changes_one_side(self) -> bool {
        self == Self::Invariance
    }
}

impl Group {
    /// The title of its axis.
    pub fn title(self) -> &'static str {
        match self {
            Self::MultiplyAdds => "multiply-adds",
            Self::JpegQuality => "JPEG quality",
            Self::Pixels => "pixels of the face",
            Self::Dimensions => "coordinates of an embedding",
            Self::TrainingImages => "training images",
            Self::ShiftRight => "shift right (edges)",
            Self::ShiftDown => "shift down (edges)",
            Self::Rotation => "turn (degrees)",
            Self::Scale => "scale",
        }
    }

    /// Whether its axis is logarithmic.
    pub fn is_logarithmic(self) -> bool {
        matches!(self, Self::MultiplyAdds | Self::Pixels | Self::Dimensions | Self::TrainingImages)
    }

    /// Whether its rows are points of one curve; networks are not.
    pub fn is_a_curve(self) -> bool {
        self != Self::MultiplyAdds
    }

    /// A value of the axis as text: `1.6B`, `40`, `+10°`.
    pub fn label(self, value: f64) -> String {
        match self {
            Self::MultiplyAdds | Self::Pixels | Self::TrainingImages => short(value),
            Self::JpegQuality | Self::Dimensions => format!("{value:.0}"),
            Self::ShiftRight | Self::ShiftDown if value.abs() >= 0.005 => format!("{value:+.2}"),
            Self::Rotation if value.abs() >= 0.5 => format!("{value:+.0}°"),
            Self::ShiftRight | Self::ShiftDown | Self::Rotation => "0".into(),
            Self::Scale => format!("{value:.1}"),
        }
    }
}

/// A count with two digits and its unit, as the paper prints it: `20M`.
fn short(count: f64) -> String {
    let (value, unit) = match count {
        c if c >= 1e9 => (c / 1e9, "B"),
        c if c >= 1e6 => (c / 1e6, "M"),
        c if c >= 1e3 => (c / 1e3, "K"),
        c => (c, ""),
    };
    let text = format!("{value:.1}");
    text.trim_end_matches(".0").to_owned() + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_on_an_axis_are_short() {
        let texts = [400.0, 1600.0, 65_536.0, 20e6, 1.6e9].map(|count| Group::Pixels.label(count));
        assert_eq!(texts, ["400", "1.6K", "65.5K", "20M", "1.6B"]);
    }

    #[test]
    fn shifts_and_turns_say_their_direction() {
        assert_eq!(Group::ShiftDown.label(-0.1), "-0.10");
        assert_eq!(Group::Rotation.label(10.0), "+10°");
        assert_eq!((Group::ShiftRight.label(-1e-17), Group::Rotation.label(0.0)), ("0".into(), "0".into()));
    }
}
