//! Networks run by `rten`, in pure Rust.

use std::sync::{Arc, Mutex};

use facenet::Tensor;
use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueView};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor as RtenTensor, TensorView};

use super::{Runtime, Share};
use crate::file::OnnxFile;

/// A network in `rten`.
///
/// `rten` runs every network in a thread pool. A run that others go beside gets a pool of one thread from a stock, so
/// that as many networks run at a time as threads ask for them.
pub(super) struct Pure {
    model: Model,
    input: NodeId,
    outputs: Vec<NodeId>,
    single: Mutex<Vec<Arc<ThreadPool>>>,
    wide: Mutex<Option<(usize, Arc<ThreadPool>)>>,
}

impl Pure {
    pub(super) fn load(file: &OnnxFile) -> Result<Self, String> {
        let model = rten::ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(file.bytes().to_vec())
            .map_err(|error| error.to_string())?;
        let node = |name: &str| model.node_id(name).map_err(|error| error.to_string());
        let input = node(&file.inputs()[0].name)?;
        let outputs = file.outputs().iter().map(|output| node(&output.name)).collect::<Result<_, _>>()?;
        Ok(Self { model, input, outputs, single: Mutex::default(), wide: Mutex::default() })
    }

    fn wide(&self) -> Arc<ThreadPool> {
        let threads = rayon::current_num_threads();
        let mut wide = self.wide.lock().expect("no thread panics with the lock");
        match &*wide {
            Some((found, pool)) if *found == threads => pool.clone(),
            _ => wide.insert((threads, Arc::new(ThreadPool::with_num_threads(threads)))).1.clone(),
        }
    }
}

impl Runtime for Pure {
    fn run(&self, input: &Tensor, share: Share) -> Result<Vec<Tensor>, String> {
        let view = TensorView::try_from_data(input.shape.as_slice(), input.values.as_slice());
        let view: ValueView<'_> = view.map_err(|error| error.to_string())?.into();
        let stock = || self.single.lock().expect("no thread panics with the lock");
        let pool = match share {
            Share::OneThread => stock().pop().unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1))),
            Share::AllThreads => self.wide(),
        };
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let outputs = self.model.run(vec![(self.input, view.into())], &self.outputs, Some(options));
        if share == Share::OneThread {
            stock().push(pool);
        }
        outputs.map_err(|error| error.to_string())?.into_iter().map(plain).collect()
    }
}

fn plain(value: Value) -> Result<Tensor, String> {
    let tensor: RtenTensor<f32> =
        value.try_into().map_err(|error: rten::TryFromValueError| error.to_string())?;
    Ok(Tensor { shape: tensor.shape().to_vec(), values: tensor.into_data() })
}
