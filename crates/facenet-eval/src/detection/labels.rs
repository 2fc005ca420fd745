//! Photos with the faces that people drew in them.

use std::path::{Path, PathBuf};

use facenet_core::{BoundingBox, Point};
use serde::Deserialize;

/// A face that is known to be in a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledFace {
    /// Where it is; it may leave the photo.
    pub bounds: BoundingBox,
    /// Left eye, right eye, nose, left and right mouth corner, left as seen in the picture; none where not known.
    pub landmarks: Option<[Point; 5]>,
    /// Whether finding it is neither right nor wrong.
    pub ignored: bool,
}

/// A photo and its faces.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPhoto {
    /// The file.
    pub path: PathBuf,
    /// The faces, in the order of the labels.
    pub faces: Vec<LabelledFace>,
}

/// Why labels cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("cannot read the labels `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} of `{path}` {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was found, and expected.
        reason: String,
    },
}

#[derive(Deserialize)]
struct PhotoLine {
    file: String,
    faces: Vec<FaceLine>,
}

#[derive(Deserialize)]
struct FaceLine {
    #[serde(rename = "box")]
    bounds: [f32; 4],
    landmarks: Option<[[f32; 2]; 5]>,
    #[serde(default)]
    label: String,
}

/// Labels that are to be ignored.
const IGNORED: [&str; 2] = ["unlabelled", "unsure"];

/// Reads labels of one JSON object a line: `file`, and `faces` with `box` `[x, y, width, height]`, `landmarks` (five
/// points or null) and `label`, of which `unlabelled` and `unsure` are ignored. Other keys may stand there. The photos lie
/// in the folder that is named as the file without its ending: `val.jsonl` tells of `val/street_0250.webp`.
///
/// # Errors
/// When the file cannot be read, or a line is of another form.
pub fn read_detection_labels(path: &Path) -> Result<Vec<LabelledPhoto>, LabelsError> {
    let folder = path.with_extension("");
    let read = |(index, line): (usize, &str)| {
        let wrong = |reason| LabelsError::Line { path: path.into(), line: index + 1, reason };
        let photo: PhotoLine =
            serde_json::from_str(line).map_err(|error| wrong(format!("is no photo with faces: {error}")))?;
        let faces = photo.faces.into_iter().map(|face| {
            let bounds = checked(face.bounds).ok_or_else(|| wrong(no_box(face.bounds)))?;
            let landmarks = face.landmarks.map(|points| points.map(|[x, y]| Point { x, y }));
            Ok(LabelledFace { bounds, landmarks, ignored: IGNORED.contains(&face.label.as_str()) })
        });
        Ok(LabelledPhoto { path: folder.join(photo.file), faces: faces.collect::<Result<_, LabelsError>>()? })
    };
    let text = read_text(path)?;
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(read).collect()
}

/// Reads labels in the form of WIDER FACE's `wider_face_val_bbx_gt.txt` (Yang et al. 2016): the name of a photo, the number
/// of its faces, and a line for each of x, y, width, height, blur, expression, illumination, invalid, occlusion and pose.
/// Faces that are marked as invalid, or have no extent, are ignored. A photo without faces has one line of zeros.
///
/// # Errors
/// When the file cannot be read, or is of another form.
pub fn read_wider_labels(path: &Path, images: &Path) -> Result<Vec<LabelledPhoto>, LabelsError> {
    let text = read_text(path)?;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let mut photos = Vec::new();
    while let Some((at, name)) = lines.next() {
        if name.is_empty() {
            continue;
        }
        let wrong = |line, reason: String| LabelsError::Line { path: path.into(), line, reason };
        let (mut line, count) = lines.next().unwrap_or((at + 1, ""));
        let count: usize = count
            .parse()
            .map_err(|_| wrong(line, format!("is `{count}`, expected the number of faces of `{name}`")))?;
        let mut faces = Vec::new();
        // A photo without faces still has a line.
        for _ in 0..count.max(1) {
            let values;
            (line, values) = lines.next().unwrap_or((line + 1, ""));
            let numbers: Result<Vec<f32>, _> = values.split_whitespace().map(str::parse).collect();
            let Some(numbers) = numbers.ok().filter(|numbers| numbers.len() >= 4) else {
                return Err(wrong(line, format!("is `{values}`, expected a face of `{name}`")));
            };
            if count == 0 {
                continue;
            }
            let invalid = numbers.get(7).is_some_and(|invalid| *invalid != 0.0);
            if let Some(bounds) = checked([numbers[0], numbers[1], numbers[2], numbers[3]]) {
                faces.push(LabelledFace { bounds, landmarks: None, ignored: invalid });
            }
        }
        photos.push(LabelledPhoto { path: images.join(name), faces });
    }
    Ok(photos)
}

fn read_text(path: &Path) -> Result<String, LabelsError> {
    fs_err::read_to_string(path).map_err(|source| LabelsError::Read { path: path.into(), source })
}

/// A box, if it is finite and not empty.
fn checked(values: [f32; 4]) -> Option<BoundingBox> {
    let [x, y, width, height] = values;
    let holds = values.iter().all(|v| v.is_finite()) && width > 0.0 && height > 0.0;
    holds.then_some(BoundingBox { x, y, width, height })
}

fn no_box(values: [f32; 4]) -> String {
    format!("has the box {values:?}, expected finite numbers and sides above 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn photos_lie_beside_their_labels_and_unsure_faces_are_ignored() {
        let text = "{\"file\":\"a.webp\",\"width\":9,\"faces\":[\
                    {\"box\":[1,2,3,4],\"landmarks\":null,\"label\":\"with_mask\",\"by\":\"human\"},\
                    {\"box\":[1,2,3,4],\"landmarks\":[[1,1],[2,2],[3,3],[4,4],[5,5]],\"label\":\"unsure\"}]}\n\
                    \n{\"file\":\"b.webp\",\"faces\":[]}\n";
        let (folder, path) = written("val.jsonl", text);
        let photos = read_detection_labels(&path).unwrap();
        assert_eq!(photos.len(), 2);
        assert_eq!(photos[0].path, folder.path().join("val/a.webp"));
        assert_eq!(photos[0].faces[0].bounds, BoundingBox { x: 1.0, y: 2.0, width: 3.0, height: 4.0 });
        assert_eq!(photos[0].faces.iter().map(|face| face.ignored).collect::<Vec<_>>(), [false, true]);
        assert_eq!(photos[0].faces[1].landmarks.unwrap()[4], Point { x: 5.0, y: 5.0 });
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        let (_folder, path) = written("a.jsonl", "{\"file\":\"a\",\"faces\":[]}\n{\"file\":\"b\"}\n");
        let error = read_detection_labels(&path).unwrap_err().to_string();
        assert!(error.contains("line 2 of") && error.contains("missing field `faces`"), "{error}");
        let (_folder, path) =
            written("a.jsonl", "{\"file\":\"a\",\"faces\":[{\"box\":[0,0,0,1],\"landmarks\":null}]}");
        let error = read_detection_labels(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("has the box [0.0, 0.0, 0.0, 1.0], expected finite numbers and sides above 0")
        );
        let error = read_detection_labels(Path::new("no.jsonl")).unwrap_err().to_string();
        assert_eq!(error, "cannot read the labels `no.jsonl`");
    }

    #[test]
    fn wider_labels_have_photos_without_faces_and_invalid_ones() {
        let text = "0--Parade/a.jpg\n2\n10 20 30 40 0 0 0 0 0 0 \n1 2 3 4 2 0 0 1 0 0\n\
                    1--Handshaking/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n2--X/c.jpg\n1\n5 5 0 9 0 0 0 0 0 0\n";
        let (_folder, path) = written("gt.txt", text);
        let photos = read_wider_labels(&path, Path::new("images")).unwrap();
        let names: Vec<_> = photos.iter().map(|photo| photo.path.display().to_string()).collect();
        assert_eq!(names, ["images/0--Parade/a.jpg", "images/1--Handshaking/b.jpg", "images/2--X/c.jpg"]);
        assert_eq!(photos[0].faces[0].bounds, BoundingBox { x: 10.0, y: 20.0, width: 30.0, height: 40.0 });
        assert_eq!(photos.iter().map(|photo| photo.faces.len()).collect::<Vec<_>>(), [2, 0, 0]);
        assert_eq!((photos[0].faces[0].ignored, photos[0].faces[1].ignored), (false, true));
    }

    #[test]
    fn wider_labels_that_end_early_or_have_no_count_are_refused() {
        for (text, expected) in [
            ("a.jpg\n2\n1 2 3 4\n", "line 4 of `PATH` is ``, expected a face of `a.jpg`"),
            ("a.jpg\nb.jpg\n", "line 2 of `PATH` is `b.jpg`, expected the number of faces of `a.jpg`"),
            ("a.jpg", "line 2 of `PATH` is ``, expected the number of faces of `a.jpg`"),
        ] {
            let (_folder, path) = written("gt.txt", text);
            let error = read_wider_labels(&path, Path::new("")).unwrap_err().to_string();
            assert_eq!(error.replace(&path.display().to_string(), "PATH"), expected);
        }
    }
}
