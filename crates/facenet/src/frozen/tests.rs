use super::*;
use crate::network::{Activation, Block, Bottlenecks, Grouping, Inception, Layer, Pool, Row, Shape, Table};
use crate::weights::{NORM_EPSILON, Weights, tests::drawn};
use facenet_core::Preprocessing;
use proptest::prelude::*;

fn model(name: &str) -> Model {
    let table = network::table(name).unwrap();
    let graph = Graph::of(&table, 128);
    let preprocessing = Preprocessing { version: 1, edge_px: table.input_edge() as u32, field: 0.875 };
    Model::new(name, 128, preprocessing, Vec::new(), Weights::new(drawn(&graph), &graph).unwrap())
}

fn images(graph: &Graph, count: usize) -> Vec<f32> {
    let len = count * graph.input().len();
    (0..len).map(|i| ((i * 31) as f32 * 0.013).sin()).collect()
}

/// One image through the graph in f64, layer by layer as the layers are defined; nothing folded. The last value.
fn naive(graph: &Graph, weights: &Weights, image: &[f32]) -> Vec<f64> {
    naive_values(graph, weights, image).pop().unwrap()
}

/// As [`naive`], all values: the image and the output of each node.
fn naive_values(graph: &Graph, weights: &Weights, image: &[f32]) -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> = vec![image.iter().map(|v| f64::from(*v)).collect()];
    for node in graph.nodes() {
        let Shape { channels, height, width } = graph.shape(node.inputs[0]);
        let area = height * width;
        let input = &values[node.inputs[0]];
        let at = |c: usize, y: isize, x: isize| {
            let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
            inside.then(|| input[(c * height + y as usize) * width + x as usize])
        };
        let window = |c: usize, oy: usize, ox: usize, stride: usize| {
            let (y, x) = ((oy * stride) as isize, (ox * stride) as isize);
            (-1..=1)
                .flat_map(move |dy| (-1..=1).map(move |dx| (y + dy, x + dx)))
                .filter_map(move |(y, x)| at(c, y, x))
        };
        let w = |suffix: &str| weights.values(&format!("{}.{suffix}", node.name));
        // A row of weights with the values it is multiplied with, then norm or bias.
        let normalise = |c: usize, x: f64| {
            let part = |name: &str| f64::from(w(name)[c]);
            let deviation = (part("norm.variance") + f64::from(NORM_EPSILON)).sqrt();
            part("norm.gamma") * (x - part("norm.mean")) / deviation + part("norm.beta")
        };
        let shifted = |c: usize, x: f64, normalised: bool| {
            if normalised { normalise(c, x) } else { x + f64::from(w("bias")[c]) }
        };
        let dot =
            |row: &[f32], values: &[f64]| row.iter().zip(values).map(|(w, v)| f64::from(*w) * v).sum::<f64>();
        let mut out = Vec::new();
        match node.layer {
            Layer::Concat => node.inputs.iter().for_each(|&i| out.extend(&values[i])),
            Layer::Add { relu } => {
                let sums = input.iter().zip(&values[node.inputs[1]]).map(|(a, b)| a + b);
                out.extend(sums.map(|sum| if relu { sum.max(0.0) } else { sum }));
            }
            Layer::Upsample => out.extend((0..4 * input.len()).map(|i| {
                let (map, y, x) = (i / (4 * area), i % (4 * area) / (2 * width), i % (2 * width));
                input[map * area + y / 2 * width + x / 2]
            })),
            Layer::AveragePool => {
                out.extend(input.chunks_exact(area).map(|m| m.iter().sum::<f64>() / m.len() as f64));
            }
            Layer::Embed { normalised } => {
                for (c, row) in w("weight").chunks_exact(input.len()).enumerate() {
                    out.push(shifted(c, dot(row, input), normalised));
                }
            }
            Layer::Maxout { pieces } => {
                let rows = w("weight").chunks_exact(input.len()).enumerate();
                let all: Vec<f64> = rows.map(|(c, row)| shifted(c, dot(row, input), false)).collect();
                out.extend(
                    all.chunks_exact(pieces).map(|unit| unit.iter().copied().fold(f64::MIN, f64::max)),
                );
            }
            Layer::GlobalDepthwise { normalised } => {
                for (c, (row, map)) in
                    w("weight").chunks_exact(area).zip(input.chunks_exact(area)).enumerate()
                {
                    out.push(shifted(c, dot(row, map), normalised));
                }
            }
            Layer::Norm => out.extend(input.iter().enumerate().map(|(i, v)| normalise(i / area, *v))),
            Layer::LocalResponseNorm => {
                for (i, value) in input.iter().enumerate() {
                    let (c, position) = ((i / area) as isize, i % area);
                    let squares: f64 = (c - 2..=c + 2)
                        .filter(|c| (0..channels as isize).contains(c))
                        .map(|c| input[c as usize * area + position].powi(2))
                        .sum();
                    out.push(value / (1.0 + 1e-4 / 5.0 * squares).powf(0.75));
                }
            }
            Layer::MaxPool { stride } => {
                for (c, oy, ox) in positions(node.output) {
                    out.push(window(c, oy, ox, stride).fold(f64::MIN, f64::max));
                }
            }
            Layer::L2Pool { stride } => {
                for (c, oy, ox) in positions(node.output) {
                    out.push(window(c, oy, ox, stride).map(|v| v * v).sum::<f64>().sqrt());
                }
            }
            Layer::Convolution { kernel, stride, grouping, normalised, activation } => {
                let (weight, pad) = (w("weight"), (kernel / 2) as isize);
                for (c, oy, ox) in positions(node.output) {
                    let seen = match grouping {
                        Grouping::Full => 0..channels,
                        Grouping::Depthwise => c..c + 1,
                    };
                    let mut tap = c * seen.len() * kernel * kernel;
                    let mut sum = 0.0;
                    for ci in seen {
                        for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                            let y = (oy * stride + ky) as isize - pad;
                            let x = (ox * stride + kx) as isize - pad;
                            sum += f64::from(weight[tap]) * at(ci, y, x).unwrap_or(0.0);
                            tap += 1;
                        }
                    }
                    let sum = shifted(c, sum, normalised);
                    out.push(match activation {
                        Activation::None => sum,
                        Activation::Relu => sum.max(0.0),
                        Activation::Prelu if sum < 0.0 => f64::from(w("slope")[c]) * sum,
                        Activation::Prelu => sum,
                    });
                }
            }
        }
        values.push(out);
    }
    values
}

fn positions(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let Shape { channels, height, width } = shape;
    (0..channels).flat_map(move |c| (0..height).flat_map(move |y| (0..width).map(move |x| (c, y, x))))
}

fn assert_equals_naive(frozen: &FrozenNetwork, weights: &Weights, what: &str) {
    let image = images(frozen.body.graph(), 1);
    let expected = naive(frozen.body.graph(), weights, &image);
    let scale = expected.iter().map(|v| v.abs()).fold(0.0, f64::max);
    for (found, expected) in frozen.forward(&image).iter().zip(&expected) {
        // Sums of up to 3,000 products in 32 bits, fifty layers deep; small outputs can be differences of large numbers.
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference <= 1e-4 * scale.max(0.1), "{what}: {found} against {expected}");
    }
}

/// The frozen network of a table that has no name.
fn frozen(table: &Table, dimension: usize) -> (FrozenNetwork, Weights) {
    let graph = Graph::of(table, dimension);
    let weights = Weights::new(drawn(&graph), &graph).unwrap();
    let contract = Contract {
        network: table.name.into(),
        dimension,
        weights: String::new(),
        preprocessing: Preprocessing { version: 1, edge_px: table.input_edge() as u32, field: 0.875 },
        thresholds: Vec::new(),
        calibration: None,
        mirrored: false,
        harmonic: Vec::new(),
    };
    (FrozenNetwork::of(graph, &weights, contract), weights)
}

#[test]
fn the_frozen_network_gives_what_the_layers_mean() {
    for name in ["lite", "nn4", "nns2", "mobilefacenet"] {
        let (frozen, weights) = frozen(&network::table(name).unwrap(), 128);
        assert_equals_naive(&frozen, &weights, name);
    }
}

#[test]
fn a_detector_gives_the_maps_that_its_layers_mean_at_any_size() {
    let pyramid = network::pyramid("lite-pyramid").unwrap();
    for (height, width) in [(32, 32), (64, 96)] {
        let graph = Graph::of_pyramid(&pyramid, height, width);
        let weights = Weights::new(drawn(&graph), &graph).unwrap();
        let image = images(&graph, 1);
        let expected = naive_values(&graph, &weights, &image);
        let body = Body::new(graph.clone(), fold(&graph, &weights));
        body.through(&image, Threads::One, |outputs| {
            for (which, value) in graph.outputs().iter().enumerate() {
                let scale = expected[*value].iter().map(|v| v.abs()).fold(0.0, f64::max);
                assert_eq!(outputs.output(which).len(), expected[*value].len());
                for (found, expected) in outputs.output(which).iter().zip(&expected[*value]) {
                    let difference = (f64::from(*found) - expected).abs();
                    assert!(difference <= 1e-4 * scale, "{height} x {width}: {found} against {expected}");
                }
            }
        });
    }
}

fn any_block() -> impl Strategy<Value = Block> {
    let odd = || prop::sample::select(vec![1usize, 3, 5]);
    let some = || 1usize..7;
    let pool = || prop::sample::select(vec![Pool::Max, Pool::L2]);
    let inception = (
        prop::option::of(some()),
        (some(), some()),
        prop::option::of((some(), some())),
        (pool(), prop::option::of(some())),
        1usize..3,
    );
    let inception = inception.prop_map(|(one, three, five, pool, stride)| {
        // A 1×1 branch does not halve the map.
        let one = one.filter(|_| stride == 1);
        Block::Inception(Inception { one, three, five, pool, stride })
    });
    let bottlenecks =
        (1usize..4, some(), 1usize..4, 1usize..3).prop_map(|(expansion, filters, units, stride)| {
            Block::Bottlenecks(Bottlenecks { expansion, filters, units, stride })
        });
    prop_oneof![
        (odd(), 1usize..4, some()).prop_map(|(kernel, stride, filters)| Block::Convolution {
            kernel,
            stride,
            filters
        }),
        (some(), some()).prop_map(|(reduce, filters)| Block::ReducedConvolution { reduce, filters }),
        (odd(), 1usize..4).prop_map(|(kernel, stride)| Block::DepthwiseConvolution { kernel, stride }),
        (some(), 1usize..3).prop_map(|(filters, units)| Block::NormalisedResiduals { filters, units }),
        (some(), 1usize..4).prop_map(|(units, pieces)| Block::Maxout { units, pieces }),
        bottlenecks,
        inception,
        Just(Block::Norm),
        Just(Block::Concat),
        Just(Block::GlobalDepthwise),
        Just(Block::MaxPool),
        Just(Block::LocalResponseNorm),
        Just(Block::AveragePool),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_network_gives_what_its_layers_mean_alone_and_in_a_batch(
        blocks in prop::collection::vec(any_block(), 1..5),
        input in (1usize..24, 1usize..24),
        activation in prop::sample::select(vec![Activation::None, Activation::Relu, Activation::Prelu]),
        (normalised, embedding_normalised) in (any::<bool>(), any::<bool>()),
        dimension in 1usize..9,
    ) {
        let names = ["a", "b", "c", "d"];
        let rows = names.into_iter().zip(blocks).map(|(name, block)| Row::new(name, block)).collect();
        let table = Table { name: "drawn", input, normalised, activation, embedding_normalised, rows };
        let (frozen, weights) = frozen(&table, dimension);
        assert_equals_naive(&frozen, &weights, "drawn");

        let batch = images(frozen.body.graph(), 3);
        let together = frozen.forward(&batch);
        for (image, row) in batch.chunks_exact(frozen.body.graph().input().len()).zip(together.chunks_exact(dimension)) {
            let alone = frozen.forward(image);
            // The width of a product decides the order of its sums, so the last bits may differ; of values that
            // nearly cancel out, more of them.
            let scale = alone.iter().map(|v| v.abs()).fold(0.1, f32::max);
            prop_assert!(alone.iter().zip(row).all(|(a, b)| (a - b).abs() <= 1e-4 * scale), "{alone:?} {row:?}");
        }
    }
}

#[test]
fn every_network_embeds() {
    for name in network::NAMES {
        let mut table = network::table(name).unwrap();
        if name.starts_with("nn1") {
            // Its full connections hold half a gigabyte: narrower ones do here.
            table.input = (60, 60);
            for row in &mut table.rows {
                if let Block::Maxout { units, .. } = &mut row.block {
                    *units = 64;
                }
            }
        }
        let (frozen, _) = frozen(&table, 128);
        let outputs = frozen.forward(&images(frozen.body.graph(), 1));
        assert_eq!(outputs.len(), 128, "{name}");
        assert!(Embedding::normalize(outputs).is_ok(), "{name}");
    }
}

#[test]
fn the_result_of_an_image_does_not_depend_on_its_batch() {
    for name in ["lite", "nn4-bn", "mobilefacenet"] {
        let (frozen, _) = frozen(&network::table(name).unwrap(), 128);
        let batch = images(frozen.body.graph(), 19);
        let len = batch.len() / 19;
        let together = frozen.forward(&batch);
        for i in [0, 7, 18] {
            let alone = frozen.forward(&batch[i * len..(i + 1) * len]);
            let scale = alone.iter().map(|v| v.abs()).fold(1.0, f32::max);
            for (a, b) in alone.iter().zip(&together[i * 128..(i + 1) * 128]) {
                // The width of a product decides the order of its sums, so the last bits may differ.
                assert!((a - b).abs() < 1e-5 * scale, "{name}, image {i}: {a} against {b}");
            }
        }
    }
}

#[test]
fn of_a_chip_the_network_sees_the_middle() {
    let (frozen, _) = frozen(&network::table("nns2").unwrap(), 128);
    let chip = |border: u8| {
        let pixel = |x, y| if (12..128).contains(&x) { [x as u8, y as u8, 7] } else { [border; 3] }.into();
        Chip::new(facenet_core::RgbImage::from_fn(140, 140, pixel)).unwrap()
    };
    let embeddings = frozen.embed(&[chip(0), chip(255)]).unwrap();
    assert_eq!(embeddings[0], embeddings[1]);
}

#[test]
fn no_images_give_no_embeddings_and_a_chip_of_another_size_is_refused() {
    let frozen = FrozenNetwork::new(&model("lite"));
    assert!(frozen.forward(&[]).is_empty());
    assert!(frozen.embed(&[]).unwrap().is_empty());
    let chip = Chip::new(facenet_core::RgbImage::new(96, 96)).unwrap();
    let error = frozen.embed(&[chip]).unwrap_err();
    assert_eq!(error.to_string(), "a chip has an edge of 96 pixels, but the network takes 64");
}

#[test]
fn a_mirrored_embedding_is_the_same_for_a_face_and_its_mirror_image() {
    let table = network::table("lite").unwrap();
    let (plain, weights) = frozen(&table, 128);
    let contract = Contract { mirrored: true, ..plain.contract.clone() };
    let mirrored = FrozenNetwork::of(Graph::of(&table, 128), &weights, contract);
    let image =
        facenet_core::RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 4) as u8, (y * 3) as u8, 90]));
    let flipped = image::imageops::flip_horizontal(&image);
    let chips = [image, flipped].map(|image| Chip::new(image).unwrap());
    let sides = plain.embed(&chips).unwrap();
    assert!(sides[0].distance(&sides[1]).value() > 1e-3, "the two sides of the drawn face differ");

    let both = mirrored.embed(&chips).unwrap();
    assert!(both[0].distance(&both[1]).value() < 1e-6);
    let sum: Vec<f32> = sides[0].as_slice().iter().zip(sides[1].as_slice()).map(|(a, b)| a + b).collect();
    assert!(Embedding::normalize(sum).unwrap().distance(&both[0]).value() < 1e-6);
}
