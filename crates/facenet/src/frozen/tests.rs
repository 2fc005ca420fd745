use super::*;
use crate::network::Shape;
use crate::weights::{NORM_EPSILON, Weights, tests::drawn};
use facenet_core::Preprocessing;

fn model(name: &str) -> Model {
    let table = network::table(name).unwrap();
    let graph = Graph::of(&table, 128);
    let preprocessing = Preprocessing { version: 1, edge_px: table.input_edge as u32, field: 0.875 };
    Model::new(name, 128, preprocessing, Vec::new(), Weights::new(drawn(&graph), &graph).unwrap())
}

fn images(graph: &Graph, count: usize) -> Vec<f32> {
    let len = count * 3 * graph.input().edge * graph.input().edge;
    (0..len).map(|i| ((i * 31) as f32 * 0.013).sin()).collect()
}

/// One image through the graph in f64, layer by layer as the layers are defined; nothing folded.
fn naive(graph: &Graph, weights: &Weights, image: &[f32]) -> Vec<f64> {
    let mut values: Vec<Vec<f64>> = vec![image.iter().map(|v| f64::from(*v)).collect()];
    for node in graph.nodes() {
        let Shape { channels, edge } = graph.shape(node.inputs[0]);
        let input = &values[node.inputs[0]];
        let out_edge = node.output.edge;
        let at = |c: usize, y: isize, x: isize| {
            let inside = (0..edge as isize).contains(&y) && (0..edge as isize).contains(&x);
            inside.then(|| input[(c * edge + y as usize) * edge + x as usize])
        };
        let window = |c: usize, oy: usize, ox: usize, stride: usize| {
            let (y, x) = ((oy * stride) as isize, (ox * stride) as isize);
            (-1..=1)
                .flat_map(move |dy| (-1..=1).map(move |dx| (y + dy, x + dx)))
                .filter_map(move |(y, x)| at(c, y, x))
        };
        let w = |suffix: &str| weights.values(&format!("{}.{suffix}", node.name));
        let mut out = Vec::new();
        match node.layer {
            Layer::Concat => node.inputs.iter().for_each(|&i| out.extend(&values[i])),
            Layer::AddRelu => {
                out.extend(input.iter().zip(&values[node.inputs[1]]).map(|(a, b)| (a + b).max(0.0)));
            }
            Layer::AveragePool => {
                out.extend(input.chunks_exact(edge * edge).map(|m| m.iter().sum::<f64>() / m.len() as f64));
            }
            Layer::Embed => {
                for (row, bias) in w("weight").chunks_exact(input.len()).zip(w("bias")) {
                    let sum: f64 = row.iter().zip(input).map(|(w, v)| f64::from(*w) * v).sum();
                    out.push(sum + f64::from(*bias));
                }
            }
            Layer::LocalResponseNorm => {
                for (i, value) in input.iter().enumerate() {
                    let (c, position) = ((i / (edge * edge)) as isize, i % (edge * edge));
                    let squares: f64 = (c - 2..=c + 2)
                        .filter(|c| (0..channels as isize).contains(c))
                        .map(|c| input[c as usize * edge * edge + position].powi(2))
                        .sum();
                    out.push(value / (1.0 + 1e-4 / 5.0 * squares).powf(0.75));
                }
            }
            _ => {
                let (weight, stride_of_filter) = match node.layer {
                    Layer::Convolution { kernel, .. } => (w("weight"), channels * kernel * kernel),
                    _ => (&[][..], 0),
                };
                for (c, oy, ox) in positions(node.output.channels, out_edge) {
                    out.push(match node.layer {
                        Layer::MaxPool { stride } => window(c, oy, ox, stride).fold(f64::MIN, f64::max),
                        Layer::L2Pool { stride } => {
                            window(c, oy, ox, stride).map(|v| v * v).sum::<f64>().sqrt()
                        }
                        Layer::Convolution { kernel, stride, relu } => {
                            let pad = (kernel / 2) as isize;
                            let mut sum = 0.0;
                            for (ci, ky, kx) in positions(channels, kernel) {
                                let y = (oy * stride + ky) as isize - pad;
                                let x = (ox * stride + kx) as isize - pad;
                                let tap = c * stride_of_filter + (ci * kernel + ky) * kernel + kx;
                                sum += f64::from(weight[tap]) * at(ci, y, x).unwrap_or(0.0);
                            }
                            let part = |name: &str| f64::from(w(name)[c]);
                            let deviation = (part("norm.variance") + f64::from(NORM_EPSILON)).sqrt();
                            let y = part("norm.gamma") * (sum - part("norm.mean")) / deviation
                                + part("norm.beta");
                            if relu { y.max(0.0) } else { y }
                        }
                        _ => unreachable!(),
                    });
                }
            }
        }
        values.push(out);
    }
    values.pop().unwrap()
}

fn positions(maps: usize, edge: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..maps).flat_map(move |c| (0..edge).flat_map(move |y| (0..edge).map(move |x| (c, y, x))))
}

#[test]
fn the_frozen_network_gives_what_the_layers_mean() {
    for name in network::NAMES {
        let model = model(name);
        let frozen = FrozenNetwork::new(&model);
        let image = images(&frozen.graph, 1);
        let expected = naive(&frozen.graph, model.weights(), &image);
        let scale = expected.iter().map(|v| v.abs()).fold(0.0, f64::max);
        for (found, expected) in frozen.forward(&image).iter().zip(&expected) {
            // Sums of up to 3,000 products in 32 bits, twenty layers deep.
            assert!(
                (f64::from(*found) - expected).abs() < 1e-4 * scale,
                "{name}: {found} against {expected}"
            );
        }
    }
}

#[test]
fn the_result_of_an_image_does_not_depend_on_its_batch() {
    for name in network::NAMES {
        let frozen = FrozenNetwork::new(&model(name));
        let batch = images(&frozen.graph, 19);
        let len = batch.len() / 19;
        let together = frozen.forward(&batch);
        for i in [0, 7, 18] {
            let alone = frozen.forward(&batch[i * len..(i + 1) * len]);
            for (a, b) in alone.iter().zip(&together[i * 128..(i + 1) * 128]) {
                // The width of a product decides the order of its sums, so the last bits may differ.
                assert!((a - b).abs() < 1e-4, "{name}, image {i}: {a} against {b}");
            }
        }
    }
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
