//! The two implementations of each layer against each other, outputs and all gradients.

use super::*;

/// Holds the two against each other on the same inputs, for the objective `Σ output · weights`.
///
/// `tolerance` is for values around one and grows with them.
fn agree<const N: usize, const D: usize>(
    what: &str,
    inputs: &[Vec<f32>; N],
    tolerance: f32,
    layer: impl Fn(Body, [Tensor<1>; N]) -> Tensor<D>,
) {
    let of = |body: Body| {
        let leaves = inputs.each_ref().map(|values| tensor(values, [values.len()]).require_grad());
        let output = layer(body, leaves.clone());
        let shape = output.dims();
        let weights = tensor(&wave(shape.iter().product(), 99), shape);
        let gradients = (output.clone() * weights).sum().backward();
        let gradients = leaves.map(|leaf| values(leaf.grad(&gradients).unwrap()));
        (shape, values(output), gradients)
    };
    let (cpu, portable) = (of(Body::Cpu), of(Body::Portable));
    assert_eq!(cpu.0, portable.0, "{what}");
    let compare = |which: &str, cpu: &[f32], portable: &[f32]| {
        assert_eq!(cpu.len(), portable.len());
        for (at, (a, b)) in cpu.iter().zip(portable).enumerate() {
            assert!(
                (a - b).abs() < tolerance * (1.0 + a.abs()),
                "{what}, {which}, value {at}: {a} on the CPU, {b} portable"
            );
        }
    };
    compare("output", &cpu.1, &portable.1);
    for (input, (cpu, portable)) in cpu.2.iter().zip(&portable.2).enumerate() {
        compare(&format!("gradient {input}"), cpu, portable);
    }
}

/// Kernel, stride, height, width, images.
const WINDOWS: [(usize, usize, usize, usize, usize); 7] = [
    (3, 1, 5, 5, 3),
    (1, 1, 4, 6, 2),
    (5, 2, 7, 4, 19),
    (3, 2, 6, 9, 9),
    (7, 2, 11, 8, 2),
    (3, 2, 1, 1, 1),
    (1, 1, 17, 17, 1),
];

#[test]
fn convolutions_agree() {
    for (kernel, stride, height, width, images) in WINDOWS {
        let what = format!("kernel {kernel}, stride {stride}, {height} x {width}, {images} images");
        let (x, w) = (wave(images * 3 * height * width, 1), wave(4 * 3 * kernel * kernel, 2));
        let (x_shape, w_shape) = ([images, 3, height, width], [4, 3, kernel, kernel]);
        // Up to 19 · 49 products of values below one, summed in another order.
        agree(&what, &[x.clone(), w.clone()], 2e-4, |body, [x, w]| {
            body.convolution(x.reshape(x_shape), w.reshape(w_shape), stride)
        });
        let bias = vec![0.3, -0.4, 0.0, 2.0];
        for relu in [false, true] {
            agree(&what, &[x.clone(), w.clone(), bias.clone()], 2e-4, |body, [x, w, b]| {
                let rectifier = if relu { Rectifier::Relu } else { Rectifier::None };
                body.convolution_with_bias(x.reshape(x_shape), w.reshape(w_shape), b, stride, rectifier)
            });
        }
        let slope = vec![0.25, -0.1, 0.0, 1.5];
        agree(&what, &[x, w, bias, slope], 2e-4, |body, [x, w, b, slope]| {
            let rectifier = Rectifier::Prelu(slope);
            body.convolution_with_bias(x.reshape(x_shape), w.reshape(w_shape), b, stride, rectifier)
        });
    }
}

#[test]
fn depthwise_convolutions_agree() {
    for (kernel, stride, height, width, images) in
        WINDOWS.into_iter().chain([(3, 1, 20, 37, 2), (3, 2, 38, 40, 2)])
    {
        let what = format!("kernel {kernel}, stride {stride}, {height} x {width}, {images} images");
        let inputs = [wave(images * 5 * height * width, 3), wave(5 * kernel * kernel, 4)];
        agree(&what, &inputs, 3e-4, |body, [x, w]| {
            body.depthwise(x.reshape([images, 5, height, width]), w.reshape([5, 1, kernel, kernel]), stride)
        });
    }
    agree("global", &[wave(3 * 5 * 4 * 7, 5), wave(5 * 4 * 7, 6)], 1e-5, |body, [x, w]| {
        body.global_depthwise(x.reshape([3, 5, 4, 7]), w.reshape([5, 1, 4, 7]))
    });
}

#[test]
fn norms_and_rectifiers_agree() {
    for (height, width) in [(4, 5), (1, 1), (7, 9)] {
        let shape = [6, 3, height, width];
        let inputs = [
            wave(6 * 3 * height * width, 7),
            vec![1.2, 0.7, -0.9],
            vec![0.9, -0.8, 0.1],
            vec![0.25, -0.3, 0.0],
        ];
        let [x, gamma, beta, _] = inputs.clone();
        for relu in [false, true] {
            agree("norm", &[x.clone(), gamma.clone(), beta.clone()], 1e-4, |body, [x, gamma, beta]| {
                let rectifier = if relu { Rectifier::Relu } else { Rectifier::None };
                body.batch_norm(x.reshape(shape), gamma, beta, rectifier).0
            });
        }
        agree("norm with PReLU", &inputs, 1e-4, |body, [x, gamma, beta, slope]| {
            body.batch_norm(x.reshape(shape), gamma, beta, Rectifier::Prelu(slope)).0
        });
        agree("PReLU", &[x.clone(), vec![0.25, -0.3, 0.0]], 1e-5, |body, [x, slope]| {
            body.prelu(x.reshape(shape), slope)
        });
        let of = |body: Body| {
            let (x, gamma, beta) = (tensor(&x, shape), tensor(&gamma, [3]), tensor(&beta, [3]));
            let moments = body.batch_norm(x, gamma, beta, Rectifier::None).1;
            [values(moments.mean), values(moments.variance)].concat()
        };
        for (cpu, portable) in of(Body::Cpu).iter().zip(of(Body::Portable)) {
            assert!((cpu - portable).abs() < 1e-6, "moments {cpu} and {portable}");
        }
    }
}

#[test]
fn sums_agree() {
    for relu in [false, true] {
        agree("sum", &[wave(2 * 3 * 20, 8), wave(2 * 3 * 20, 9)], 1e-6, |body, [a, b]| {
            body.add(a.reshape([2, 3, 4, 5]), b.reshape([2, 3, 4, 5]), relu)
        });
    }
}

#[test]
fn concatenations_agree() {
    for count in 1..=5 {
        agree("concatenation", &[0, 1, 2, 3, 4].map(|i| wave(2 * (i + 1) * 6, i)), 1e-7, |body, inputs| {
            let maps = |input: Tensor<1>| {
                let channels = input.dims()[0] / 12;
                input.reshape([2, channels, 2, 3])
            };
            let joined = body.concat(inputs[..count].iter().cloned().map(maps).collect());
            // All take part, so that all have gradients.
            inputs[count..].iter().fold(joined, |sum, input| sum + input.clone().sum().reshape([1, 1, 1, 1]))
        });
    }
}

#[test]
fn pools_agree() {
    for (height, width) in [(5, 7), (6, 4), (1, 1)] {
        let shape = [2, 3, height, width];
        let inputs = [wave(2 * 3 * height * width, 10)];
        for stride in [1, 2] {
            let what = format!("stride {stride}, {height} x {width}");
            agree(&what, &inputs, 1e-5, |body, [x]| body.max_pool(x.reshape(shape), stride));
            agree(&what, &inputs, 1e-5, |body, [x]| body.l2_pool(x.reshape(shape), stride));
            agree(&what, &inputs, 1e-6, |body, [x]| body.average_pool(x.reshape(shape)));
            agree(&what, &[vec![0.0; 6 * height * width]], 1e-12, |body, [x]| {
                body.l2_pool(x.reshape(shape), stride)
            });
        }
    }
}

#[test]
fn upsamplings_agree() {
    for (height, width) in [(1, 1), (3, 5), (8, 2)] {
        agree("upsampling", &[wave(2 * 3 * height * width, 14)], 1e-6, |body, [x]| {
            body.upsample(x.reshape([2, 3, height, width]))
        });
    }
}

#[test]
fn response_norms_agree() {
    for channels in [1, 4, 9] {
        let large: Vec<f32> = wave(2 * channels * 6, 11).iter().map(|v| v * 100.0).collect();
        agree("response norm", &[large], 1e-4, |body, [x]| {
            body.local_response_norm(x.reshape([2, channels, 2, 3]))
        });
    }
}

#[test]
fn connections_agree() {
    agree("connection", &[wave(3 * 50, 12), wave(7 * 50, 13)], 1e-5, |body, [x, w]| {
        body.connection(x.reshape([3, 50]), w.reshape([7, 50]))
    });
}
