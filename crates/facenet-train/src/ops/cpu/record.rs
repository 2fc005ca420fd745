//! How a function with a backward pass of its own enters Burn's graph.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, BackendTypes, Flex};
use burn::tensor::{Shape, Tensor, TensorData};

/// What a function keeps from its forward pass, and how gradients go back through it.
pub(super) trait Function<const N: usize>: Debug + Send + Sync + 'static {
    /// The gradients at the inputs, given the one at the output; only those that are `needed`.
    fn backward(&self, gradient: &[f32], needed: [bool; N]) -> [Option<Vec<f32>>; N];
}

/// An input of a function: its values, and its place in the graph.
pub(super) struct Input {
    tensor: <Autodiff<Flex> as BackendTypes>::FloatTensorPrimitive,
    values: Values,
}

/// The values of a tensor, in row-major order; cheap to clone.
#[derive(Clone)]
pub(super) struct Values(FlexTensor);

impl Input {
    /// Takes a tensor apart.
    ///
    /// # Panics
    /// When the tensor is not on the CPU device with autodiff: other devices have layers of their own.
    pub(super) fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let tensor = tensor.try_into_primitive::<Autodiff<Flex>>().expect("the tensor is on the CPU");
        let values = Values(tensor.primitive().to_contiguous());
        Self { tensor, values }
    }

    pub(super) fn values(&self) -> Values {
        self.values.clone()
    }
}

impl Values {
    pub(super) fn as_slice(&self) -> &[f32] {
        self.0.storage()
    }

    pub(super) fn shape<const D: usize>(&self) -> [usize; D] {
        self.0.layout().shape().dims()
    }
}

impl Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Values({:?})", self.0.layout().shape())
    }
}

/// Puts `output`, which a function has computed of `inputs`, into the graph; `function` may keep the output too,
/// without a copy.
pub(super) fn record<const N: usize, const D: usize, F: Function<N>>(
    inputs: [Input; N],
    output: Vec<f32>,
    shape: [usize; D],
    function: impl FnOnce(Values) -> F,
) -> Tensor<D> {
    let output = FlexTensor::from_data(TensorData::new(output, shape));
    let shapes = inputs.each_ref().map(|input| input.values.0.layout().shape().clone());
    let nodes = inputs.map(|input| input.tensor.node());
    let operation = Step(std::marker::PhantomData::<F>);
    let output = match Backward::<Flex, N>::prepare::<Strategy>(operation, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let function = Arc::new(function(Values(output.clone())));
            prep.finish(State { function, shapes }, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(output)
}

type Strategy = burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;

#[derive(Debug)]
struct Step<F>(std::marker::PhantomData<F>);

#[derive(Debug)]
struct State<F, const N: usize> {
    function: Arc<F>,
    shapes: [Shape; N],
}

impl<F, const N: usize> Clone for State<F, N> {
    fn clone(&self) -> Self {
        Self { function: Arc::clone(&self.function), shapes: self.shapes.clone() }
    }
}

impl<F: Function<N>, const N: usize> Backward<Flex, N> for Step<F> {
    type State = State<F, N>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Values(grads.consume::<Flex>(&ops.node).to_contiguous());
        let needed = ops.parents.each_ref().map(Option::is_some);
        let gradients = ops.state.function.backward(gradient.as_slice(), needed);
        for ((parent, shape), gradient) in ops.parents.into_iter().zip(ops.state.shapes).zip(gradients) {
            if let (Some(node), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(node.id, FlexTensor::from_data(TensorData::new(gradient, shape)));
            }
        }
    }
}
