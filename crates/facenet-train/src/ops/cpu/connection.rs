//! The full connection.

use burn::tensor::Tensor;
use facenet::kernels::{Matrix, Threads, multiply};

use super::record::{Function, Input, Values, record};

/// Each row of `source` times the transpose of `weight`, without bias.
///
/// # Shapes
/// `source` `[N, inputs]`, `weight` `[outputs, inputs]` -> `[N, outputs]`.
pub(crate) fn connection(source: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    let (source, weight) = (Input::of(source), Input::of(weight));
    let function = Connection { source: source.values(), weight: weight.values() };
    let (images, outputs, _) = function.sizes();
    let mut output = vec![0.0; images * outputs];
    let right = function.weight().transposed();
    multiply(function.source(), right, &mut output, outputs, 0.0, Threads::All);
    record([source, weight], output, [images, outputs], |_| function)
}

#[derive(Debug)]
struct Connection {
    source: Values,
    weight: Values,
}

impl Connection {
    /// Images, outputs and inputs.
    fn sizes(&self) -> (usize, usize, usize) {
        let [images, inputs] = self.source.shape();
        let [outputs, _] = self.weight.shape();
        (images, outputs, inputs)
    }

    fn source(&self) -> Matrix<'_> {
        let (images, _, inputs) = self.sizes();
        Matrix::new(self.source.as_slice(), images, inputs, inputs)
    }

    fn weight(&self) -> Matrix<'_> {
        let (_, outputs, inputs) = self.sizes();
        Matrix::new(self.weight.as_slice(), outputs, inputs, inputs)
    }
}

impl Function<2> for Connection {
    fn backward(&self, gradient: &[f32], needed: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let (images, outputs, inputs) = self.sizes();
        let gradient = Matrix::new(gradient, images, outputs, outputs);
        let product = |left: Matrix, right: Matrix, rows: usize| {
            let mut target = vec![0.0; rows * inputs];
            multiply(left, right, &mut target, inputs, 0.0, Threads::All);
            target
        };
        [
            needed[0].then(|| product(gradient, self.weight(), images)),
            needed[1].then(|| product(gradient.transposed(), self.source(), outputs)),
        ]
    }
}
