//! A network of an ONNX file that can be run.

#[cfg(feature = "onnxruntime")]
mod onnxruntime;
mod pure;

use std::panic::{AssertUnwindSafe, catch_unwind};

use facenet::Tensor;

use crate::file::{OnnxFile, Size, TensorFact};

/// A network that can be run from any number of threads.
pub struct Session {
    origin: String,
    input: TensorFact,
    outputs: Vec<TensorFact>,
    runtime: Box<dyn Runtime>,
}

/// How a run may use the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// One thread: others run beside it.
    OneThread,
    /// All threads of the current pool.
    AllThreads,
}

/// What runs a network.
trait Runtime: Send + Sync {
    /// The outputs in the order of the file, for the one input.
    fn run(&self, input: &Tensor, share: Share) -> Result<Vec<Tensor>, String>;
}

/// Why a network cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The network does not read exactly one tensor, or gives none.
    #[error(
        "`{origin}` reads {inputs} and gives {outputs} tensors, expected one to be read and at least one given"
    )]
    Ends {
        /// Where the network comes from.
        origin: String,
        /// How many tensors it reads.
        inputs: usize,
        /// How many tensors it gives.
        outputs: usize,
    },
    /// The runtime does not take the network: an operator that it does not have, shapes that contradict each other.
    #[error("the runtime does not take `{origin}`: {reason}\nhint: {HINT}")]
    Load {
        /// Where the network comes from.
        origin: String,
        /// What the runtime says.
        reason: String,
    },
    /// The input is not what the file states.
    #[error("`{origin}` reads {expected}, but it was given {found:?}")]
    Input {
        /// Where the network comes from.
        origin: String,
        /// What it reads.
        expected: TensorFact,
        /// The shape that it was given.
        found: Vec<usize>,
    },
    /// The runtime failed.
    #[error("`{origin}` failed on an input of {shape:?}: {reason}")]
    Run {
        /// Where the network comes from.
        origin: String,
        /// The shape of the input.
        shape: Vec<usize>,
        /// What the runtime says.
        reason: String,
    },
    /// An output is not what the file states.
    #[error("`{origin}` states the output {expected}, but gave {found:?}")]
    Output {
        /// Where the network comes from.
        origin: String,
        /// What the file states.
        expected: TensorFact,
        /// The shape that came.
        found: Vec<usize>,
    },
    /// An output is not finite.
    #[error(
        "the output `{name}` of `{origin}` holds {value} at position {position}, expected finite numbers"
    )]
    NotFinite {
        /// Where the network comes from.
        origin: String,
        /// The output.
        name: String,
        /// Where the value lies.
        position: usize,
        /// What was found.
        value: f32,
    },
}

#[cfg(feature = "onnxruntime")]
const HINT: &str = "a newer ONNX Runtime may know more operators";
#[cfg(not(feature = "onnxruntime"))]
const HINT: &str = "a program built with `--features onnxruntime` runs it in the ONNX Runtime of the system";

impl Session {
    /// Prepares a network: in pure Rust, or with the feature `onnxruntime` in the ONNX Runtime of the system.
    ///
    /// # Errors
    /// When it does not read exactly one tensor, or the runtime does not take it.
    pub fn new(file: &OnnxFile) -> Result<Self, SessionError> {
        #[cfg(feature = "onnxruntime")]
        return Self::with(file, |file| onnxruntime::OnnxRuntime::load(file).map(boxed));
        #[cfg(not(feature = "onnxruntime"))]
        return Self::pure(file);
    }

    /// Prepares a network in pure Rust, whatever the features are.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn pure(file: &OnnxFile) -> Result<Self, SessionError> {
        Self::with(file, |file| pure::Pure::load(file).map(boxed))
    }

    fn with(
        file: &OnnxFile,
        load: impl Fn(&OnnxFile) -> Result<Box<dyn Runtime>, String>,
    ) -> Result<Self, SessionError> {
        let origin = file.origin().to_owned();
        let ([input], [_, ..]) = (file.inputs(), file.outputs()) else {
            let (inputs, outputs) = (file.inputs().len(), file.outputs().len());
            return Err(SessionError::Ends { origin, inputs, outputs });
        };
        let loaded = without_panic(|| load(file));
        let runtime = loaded.map_err(|reason| SessionError::Load { origin: origin.clone(), reason })?;
        Ok(Self { origin, input: input.clone(), outputs: file.outputs().to_vec(), runtime })
    }

    /// What the network reads.
    pub fn input(&self) -> &TensorFact {
        &self.input
    }

    /// What the network gives.
    pub fn outputs(&self) -> &[TensorFact] {
        &self.outputs
    }

    /// Whether several images can be given at once.
    pub fn takes_batches(&self) -> bool {
        self.input.sizes.as_ref().and_then(|sizes| sizes.first()) == Some(&Size::Any)
    }

    /// Runs the network: its outputs in their order, finite.
    ///
    /// # Errors
    /// When the input is not what the file states, the network fails on it, or gives what the file does not state or
    /// numbers that are not finite.
    pub fn run(&self, input: &Tensor, share: Share) -> Result<Vec<Tensor>, SessionError> {
        let (origin, shape) = (self.origin.clone(), input.shape.clone());
        if !fits(&self.input, &shape) {
            return Err(SessionError::Input { origin, expected: self.input.clone(), found: shape });
        }
        let failed = |reason| SessionError::Run { origin: origin.clone(), shape: shape.clone(), reason };
        let outputs = without_panic(|| self.runtime.run(input, share)).map_err(failed)?;
        for (fact, output) in self.outputs.iter().zip(&outputs) {
            if !fits(fact, &output.shape) {
                let found = output.shape.clone();
                return Err(SessionError::Output { origin, expected: fact.clone(), found });
            }
            if let Some(position) = output.values.iter().position(|value| !value.is_finite()) {
                let (name, value) = (fact.name.clone(), output.values[position]);
                return Err(SessionError::NotFinite { origin, name, position, value });
            }
        }
        Ok(outputs)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("origin", &self.origin)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

fn boxed(runtime: impl Runtime + 'static) -> Box<dyn Runtime> {
    Box::new(runtime)
}

fn fits(fact: &TensorFact, shape: &[usize]) -> bool {
    let Some(sizes) = &fact.sizes else { return true };
    sizes.len() == shape.len() && sizes.iter().zip(shape).all(|(size, found)| size.allows(*found))
}

/// A runtime that panics on a network has failed on it; nothing of it is used afterwards.
fn without_panic<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("the runtime gave up: {}", text.unwrap_or_else(|| "no reason given".into())))
    })
}

#[cfg(test)]
mod tests;
