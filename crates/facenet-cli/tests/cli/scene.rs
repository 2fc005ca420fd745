//! A folder of test files, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::RgbImage;

use crate::drawn::{face, model_file};

/// A new folder, deleted at the end of the test.
pub(crate) struct Scene(tempfile::TempDir);

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with the drawn faces at `faces`: path, person, take.
    pub(crate) fn with_faces(faces: &[(&str, u8, u8)]) -> Self {
        let scene = Self::new();
        faces.iter().for_each(|&(path, person, take)| scene.image(path, &face(person, take)));
        scene
    }

    /// A path in the folder.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn file(&self, path: &str, contents: impl AsRef<[u8]>) {
        fs_err::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs_err::write(self.at(path), contents).unwrap();
    }

    /// Writes an image in the format of the path's ending.
    pub(crate) fn image(&self, path: &str, image: &RgbImage) {
        fs_err::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        image.save(self.at(path)).unwrap();
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> String {
        fs_err::read_to_string(self.at(path)).unwrap()
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.at(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Copies a portrait of the examples to `path`.
    pub(crate) fn portrait(&self, name: &str, path: &str) {
        let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/photos");
        self.file(path, fs_err::read(portraits.join(name)).unwrap());
    }

    /// Runs the program in the folder, with the drawn model.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_plain(&[args, &["--model", model_file().to_str().unwrap()]].concat())
    }

    /// Runs the program in the folder, with `args` alone.
    pub(crate) fn run_plain(&self, args: &[&str]) -> Run {
        run_in(self.0.path(), args)
    }
}

impl Run {
    /// What was printed, of a run that must have ended with `code`.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The lines of stdout as JSON.
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// stdout as one JSON document.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The commands that look for faces in photos.
const OF_PHOTOS: [&str; 5] = ["embed", "verify", "identify", "cluster", "bench"];

/// Runs the program without a cache. To a detector, drawn faces are none: unless `args` say it, they are in the middle.
fn run_in(folder: &Path, args: &[&str]) -> Run {
    let program = env!("CARGO_BIN_EXE_facenet");
    let is_drawn = args.first().is_some_and(|command| OF_PHOTOS.contains(command));
    let middle: &[&str] = match is_drawn && !args.contains(&"--crop") && !args.contains(&"--help") {
        true => &["--crop", "center"],
        false => &[],
    };
    let mut command = Command::new(program);
    command.args(args).args(middle).env("FACENET_CACHE", "off");
    let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    Run {
        code: output.status.code().expect("the program was not killed"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Numbers that a machine may round in its own way, and the names of models.
pub(crate) const FILTERS: [(&str, &str); 2] =
    [(r"-?\d+\.\d+(e-?\d+)?", "[number]"), (r"lite(-neck)?-128-[0-9a-f]{12}", "[model]")];
