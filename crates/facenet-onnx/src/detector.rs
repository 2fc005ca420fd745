//! Other people's networks as a [`Detector`].

mod boxes;
mod decode;
mod mtcnn;
mod scale;

use facenet::Tensor;
use facenet_core::{BoxError, Detector, Face, RgbImage};

use self::boxes::{Measure, most_certain};
use self::decode::{Maps, decode};
use self::mtcnn::Mtcnn;
pub(crate) use self::scale::resized;
use self::scale::side;
use crate::manifest::{Decode, DetectorOutput, Input, Layout};
use crate::pixels;
use crate::session::{Session, SessionError, Share};

/// The stride that images are padded to where a manifest names none.
const STRIDE: usize = 32;

/// Networks of ONNX files that find faces.
#[derive(Debug)]
pub struct OnnxDetector(Kind);

#[derive(Debug)]
enum Kind {
    OneShot(Box<OneShot>),
    Mtcnn(Box<Mtcnn>),
}

/// A network that looks at an image once.
#[derive(Debug)]
struct OneShot {
    input: Input,
    output: DetectorOutput,
    session: Session,
    /// The outputs in the order of decoding.
    order: Vec<usize>,
}

/// Why networks gave no faces.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// A network failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The network has no output of a name in the manifest.
    #[error("the network has no output `{expected}`; it has {}", crate::imported::named(found))]
    NoOutput {
        /// The name in the manifest.
        expected: String,
        /// The names in the network.
        found: Vec<String>,
    },
    /// Another number of outputs than the way of decoding needs.
    #[error("{found} outputs are given, but to decode as `{decode}` needs {expected}")]
    Outputs {
        /// How many the network gives or the manifest names.
        found: usize,
        /// How many are needed.
        expected: usize,
        /// The way of decoding.
        decode: String,
    },
    /// An output has another shape than the way of decoding needs.
    #[error("the output for {what} has the shape {found:?}, expected {expected}")]
    Shape {
        /// What the output is for.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// What is needed, in words.
        expected: String,
    },
}

impl OnnxDetector {
    /// Joins networks with what their outputs mean, and tries them on a grey image.
    pub(crate) fn new(
        input: &Input,
        output: &DetectorOutput,
        sessions: Vec<Session>,
    ) -> Result<Self, DetectorError> {
        if output.decode == Decode::Mtcnn {
            return Ok(Self(Kind::Mtcnn(Box::new(Mtcnn::new(input.clone(), output.clone(), sessions)?))));
        }
        let session = sessions.into_iter().next().expect("the number of networks is checked");
        let order = order(&session, output)?;
        let one_shot = Box::new(OneShot { input: input.clone(), output: output.clone(), session, order });
        one_shot.detect(&RgbImage::from_pixel(64, 64, [128; 3].into()))?;
        Ok(Self(Kind::OneShot(one_shot)))
    }
}

impl Detector for OnnxDetector {
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, BoxError> {
        if image.width() == 0 || image.height() == 0 {
            return Ok(Vec::new());
        }
        Ok(match &self.0 {
            Kind::OneShot(one_shot) => one_shot.detect(image)?,
            Kind::Mtcnn(mtcnn) => mtcnn.detect(image)?,
        })
    }
}

impl OneShot {
    fn detect(&self, image: &RgbImage) -> Result<Vec<Face>, DetectorError> {
        let (height, width, scale) = self.frame(image);
        let seen = resized(image, side(image.width(), scale), side(image.height(), scale));
        let mut values = Vec::new();
        pixels::write(&seen, &self.input, height, width, &mut values);
        let shape = pixels::shape(self.input.layout, 1, height, width);
        let outputs = self.session.run(&Tensor { shape, values }, share())?;

        let maps = Maps { outputs: self.order.iter().map(|&i| &outputs[i]).collect(), height, width };
        let found = decode(&maps, &self.output)?;
        let mut faces = most_certain(&found, self.output.overlap, Measure::Union);
        // The sides were rounded, so each has its own scale.
        let across = image.width() as f32 / seen.width() as f32;
        let down = image.height() as f32 / seen.height() as f32;
        faces.iter_mut().for_each(|face| boxes::stretch(face, across, down));
        Ok(faces)
    }

    /// The size of the network's input for an image, and how much the image is resized for it.
    fn frame(&self, image: &RgbImage) -> (usize, usize, f64) {
        let (columns, rows) = (f64::from(image.width()), f64::from(image.height()));
        if let Some([height, width]) = self.fixed_size() {
            return (height, width, (height as f64 / rows).min(width as f64 / columns));
        }
        let scale = (f64::from(self.output.largest_edge_px) / columns.max(rows)).min(1.0);
        let stride = self.output.strides.iter().max().map_or(STRIDE, |&stride| stride as usize);
        let padded = |edge: u32| (side(edge, scale) as usize).next_multiple_of(stride);
        (padded(image.height()), padded(image.width()), scale)
    }

    /// The size that the manifest or the file fixes.
    fn fixed_size(&self) -> Option<[usize; 2]> {
        if let Some(size) = self.input.size {
            return Some(size.map(|edge| edge as usize));
        }
        let sizes = self.session.input().sizes.as_ref()?;
        let [height, width] = match self.input.layout {
            Layout::Nchw => [2, 3],
            Layout::Nhwc => [1, 2],
            Layout::Nwhc => [2, 1],
        };
        Some([sizes[height].fixed()?, sizes[width].fixed()?])
    }
}

/// Who is one of many that look at images at the same time takes one thread.
fn share() -> Share {
    if rayon::current_thread_index().is_some() { Share::OneThread } else { Share::AllThreads }
}

/// The outputs in the order of decoding.
fn order(session: &Session, output: &DetectorOutput) -> Result<Vec<usize>, DetectorError> {
    let names = || session.outputs().iter().map(|output| output.name.clone());
    let order: Vec<usize> = if output.outputs.is_empty() {
        (0..session.outputs().len()).collect()
    } else {
        let index = |name: &String| {
            let unknown = || DetectorError::NoOutput { expected: name.clone(), found: names().collect() };
            names().position(|found| found == *name).ok_or_else(unknown)
        };
        output.outputs.iter().map(index).collect::<Result<_, _>>()?
    };
    let expected = match output.decode {
        Decode::Yunet => 4 * output.strides.len(),
        Decode::Scrfd => 3 * output.strides.len(),
        Decode::Retinaface => 3,
        Decode::Corners => 2,
        Decode::Pyramid => output.strides.len(),
        Decode::Mtcnn => unreachable!("its networks have an order of their own"),
    };
    if order.len() != expected {
        let decode = format!("{:?}", output.decode).to_lowercase();
        return Err(DetectorError::Outputs { found: order.len(), expected, decode });
    }
    Ok(order)
}

#[cfg(test)]
mod tests;
