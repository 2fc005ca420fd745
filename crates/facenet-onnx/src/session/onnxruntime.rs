//! Networks run by the ONNX Runtime of the system.

use std::sync::{Mutex, OnceLock};

use facenet::Tensor;
use ort::environment::Environment;
use ort::session::Session as OrtSession;
use ort::value::TensorRef;

use super::{Runtime, Share};
use crate::file::OnnxFile;

/// A network in ONNX Runtime.
///
/// A session of it has a number of threads and runs one input at a time. So there is one with all threads, and a stock of
/// those with one.
pub(super) struct OnnxRuntime {
    file: Vec<u8>,
    single: Mutex<Vec<OrtSession>>,
    wide: Mutex<(usize, OrtSession)>,
}

impl OnnxRuntime {
    pub(super) fn load(file: &OnnxFile) -> Result<Self, String> {
        let threads = rayon::current_num_threads();
        let wide = Mutex::new((threads, session(file.bytes(), threads)?));
        Ok(Self { file: file.bytes().to_vec(), single: Mutex::default(), wide })
    }
}

impl Runtime for OnnxRuntime {
    fn run(&self, input: &Tensor, share: Share) -> Result<Vec<Tensor>, String> {
        match share {
            Share::OneThread => {
                let stock = || self.single.lock().expect("no thread panics with the lock");
                let waiting = stock().pop();
                let mut session = waiting.map_or_else(|| session(&self.file, 1), Ok)?;
                let outputs = run(&mut session, input);
                stock().push(session);
                outputs
            }
            Share::AllThreads => {
                let threads = rayon::current_num_threads();
                let mut wide = self.wide.lock().map_err(|_| "an earlier run gave up".to_owned())?;
                if wide.0 != threads {
                    *wide = (threads, session(&self.file, threads)?);
                }
                run(&mut wide.1, input)
            }
        }
    }
}

/// The library, loaded once: the one that `ORT_DYLIB_PATH` names, else the one that the system finds.
fn environment() -> Result<&'static Environment, String> {
    static LOADED: OnceLock<Result<Environment, String>> = OnceLock::new();
    let told = |error: String| {
        format!(
            "ONNX Runtime cannot be loaded: {error}\nhint: `ORT_DYLIB_PATH` names its library, `libonnxruntime.so`"
        )
    };
    let load = || {
        use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
        let usual = || format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}").into();
        let library = std::env::var_os("ORT_DYLIB_PATH").unwrap_or_else(usual);
        let environment = ort::init_from(library).map_err(|error| told(error.to_string()))?;
        environment.build().map_err(|error| told(error.to_string()))
    };
    LOADED.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn session(file: &[u8], threads: usize) -> Result<OrtSession, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let builder = OrtSession::builder(environment()?).map_err(|error| told(&error))?;
    let mut builder = builder.with_intra_threads(threads).map_err(|error| told(&error))?;
    builder.commit_from_memory(file).map_err(|error| told(&error))
}

fn run(session: &mut OrtSession, input: &Tensor) -> Result<Vec<Tensor>, String> {
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let view = TensorRef::from_array_view((input.shape.as_slice(), input.values.as_slice()));
    let view = view.map_err(|error| told(&error))?;
    let outputs = session.run(ort::inputs![view]).map_err(|error| told(&error))?;
    let tensor = |value: &ort::value::DynValue| {
        let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| told(&error))?;
        let shape = shape.iter().map(|&size| size as usize).collect();
        Ok(Tensor { shape, values: values.to_vec() })
    };
    (0..outputs.len()).map(|i| tensor(&outputs[i])).collect()
}
