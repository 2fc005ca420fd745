//! The detector's network: a backbone, a pyramid of three levels over it, and a head on each.

use super::graph::{Graph, Shape};
use super::layer::{Activation, Grouping, Layer};
use super::table::{Block, Row};

/// A one-stage detector as a table. The backbone's rows end in maps of an eighth, a sixteenth and a thirty-second of the
/// image; each is brought to the pyramid's channels by a 1×1 convolution, coarser levels are doubled and added to finer
/// ones (Lin et al. 2017), and a 3×3 and a 1×1 convolution give what is found at each place ([`Pyramid::OUTPUTS`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Pyramid {
    /// The network's name.
    pub name: &'static str,
    /// The backbone. All its convolutions have batch normalisation, and a ReLU where they are not called linear.
    pub rows: Vec<Row>,
    /// The rows that end in the maps of [`Pyramid::STRIDES`].
    pub levels: [&'static str; 3],
    /// Channels of the pyramid and of its heads.
    pub channels: usize,
}

/// A name that is no detector's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no detector's network is named `{name}`; there is `lite-pyramid`")]
pub struct UnknownPyramid {
    /// The name that was asked for.
    pub name: String,
}

/// A detector's network by its name; `lite-pyramid` is the only one so far.
///
/// # Errors
/// When there is no network of that name.
pub fn pyramid(name: &str) -> Result<Pyramid, UnknownPyramid> {
    if name == "lite-pyramid" { Ok(lite()) } else { Err(UnknownPyramid { name: name.into() }) }
}

/// Made to be trained on two CPU cores: plain 3×3 convolutions, because depthwise ones spend their time on memory; few
/// channels where maps are wide; one residual block a stage, so that a place of the finest level sees faces of 64 pixels.
fn lite() -> Pyramid {
    use Block::{Convolution, Residual};

    let rows = vec![
        Row::new("conv1", Convolution { kernel: 3, stride: 2, filters: 12 }),
        Row::new("conv2", Convolution { kernel: 3, stride: 2, filters: 24 }),
        Row::new("conv3", Convolution { kernel: 3, stride: 2, filters: 40 }),
        Row::new("residual3", Residual { filters: 40 }),
        Row::new("conv4", Convolution { kernel: 3, stride: 2, filters: 64 }),
        Row::new("residual4", Residual { filters: 64 }),
        Row::new("conv5", Convolution { kernel: 3, stride: 2, filters: 80 }),
        Row::new("residual5", Residual { filters: 80 }),
    ];
    Pyramid { name: "lite-pyramid", rows, levels: ["residual3", "residual4", "residual5"], channels: 40 }
}

impl Pyramid {
    /// Pixels between places of each level, the finest first.
    pub const STRIDES: [usize; 3] = [8, 16, 32];
    /// What both sides of an image must be a multiple of, in pixels.
    pub const MULTIPLE: usize = 32;
    /// Values at each place: the logit of the score, the box's centre and size, and five landmarks.
    pub const OUTPUTS: usize = 15;
}

impl Graph {
    /// Appends the pyramid and its heads, and gives the numbers of their values, the finest level first.
    pub(super) fn lower_pyramid(&mut self, pyramid: &Pyramid) -> Vec<usize> {
        let maps = pyramid.levels.map(|row| self.row_value(row).expect("a level is a row of the table"));
        let mut merged = [0; 3];
        for level in (0..3).rev() {
            let stride = Pyramid::STRIDES[level];
            let lateral = self.linear(format!("lateral{stride}"), maps[level], 1, 1, pyramid.channels);
            merged[level] = match merged.get(level + 1) {
                Some(&coarser) => {
                    let output = self.shape(lateral);
                    let doubled =
                        self.push(format!("upsample{stride}"), Layer::Upsample, vec![coarser], output);
                    let sum = Layer::Add { relu: false };
                    self.push(format!("merge{stride}"), sum, vec![lateral, doubled], output)
                }
                None => lateral,
            };
        }
        self.end_row("pyramid");
        let heads = [0, 1, 2].map(|level| {
            let stride = Pyramid::STRIDES[level];
            let tower =
                self.convolution(format!("head{stride}.tower"), merged[level], 3, 1, pyramid.channels);
            let layer = Layer::Convolution {
                kernel: 1,
                stride: 1,
                grouping: Grouping::Full,
                normalised: false,
                activation: Activation::None,
            };
            let output = Shape { channels: Pyramid::OUTPUTS, ..self.shape(tower) };
            self.push(format!("head{stride}.output"), layer, vec![tower], output)
        });
        self.end_row("heads");
        heads.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node_tensors;

    #[test]
    fn a_level_has_a_place_for_every_stride_whatever_the_size() {
        for (height, width) in [(320, 320), (32, 96)] {
            let graph = Graph::of_pyramid(&lite(), height, width);
            let shapes: Vec<Shape> = graph.outputs().iter().map(|value| graph.shape(*value)).collect();
            let expected = Pyramid::STRIDES.map(|stride| Shape {
                channels: 15,
                height: height / stride,
                width: width / stride,
            });
            assert_eq!(shapes, expected);
        }
    }

    #[test]
    fn the_weights_do_not_depend_on_the_size_and_are_below_half_a_million() {
        let tensors = |edge| {
            let graph = Graph::of_pyramid(&lite(), edge, edge);
            graph.nodes().iter().flat_map(|node| node_tensors(&graph, node)).collect::<Vec<_>>()
        };
        assert_eq!(tensors(64), tensors(320));
        let graph = Graph::of_pyramid(&lite(), 320, 320);
        assert_eq!((graph.weights(), graph.multiply_adds()), (350_764, 175_026_400));
    }

    #[test]
    fn a_name_that_is_no_detectors_is_told() {
        assert_eq!(pyramid("lite-pyramid").unwrap().name, "lite-pyramid");
        let error = pyramid("lite").unwrap_err().to_string();
        assert_eq!(error, "no detector's network is named `lite`; there is `lite-pyramid`");
    }

    #[test]
    #[should_panic(expected = "33 x 64 is no size for a pyramid")]
    fn a_side_that_is_no_multiple_of_32_is_refused() {
        Graph::of_pyramid(&lite(), 33, 64);
    }
}
