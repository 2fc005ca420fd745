//! Frames of a video or a stream, read by an installed ffmpeg.

mod ppm;

use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use facenet_core::RgbImage;

use crate::Limits;

/// A frame of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Seconds from the start.
    pub time: f64,
    /// The picture, upright.
    pub image: RgbImage,
}

/// Why a video gives no frames, or no more.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// There is no ffmpeg.
    #[error(
        "videos are read by the program `ffmpeg`, which is not installed\n\
         hint: install it, for example with `apt install ffmpeg` or `brew install ffmpeg`"
    )]
    NoFfmpeg,
    /// It could not be started or read from.
    #[error("cannot read from `ffmpeg`")]
    Pipe(#[source] io::Error),
    /// The time between frames is no time.
    #[error("`{0}` seconds between frames: expected a number above 0 and at most 86400")]
    NotATime(f64),
    /// There is no such file, or it may not be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// ffmpeg refused it: no video, damaged, or a stream that does not answer.
    #[error("the video cannot be read: {said}")]
    Refused {
        /// The last that ffmpeg said.
        said: String,
    },
    /// A frame has more pixels than are allowed.
    #[error("a frame of {width} x {height} pixels is too large: at most {limit} pixels are allowed")]
    TooManyPixels {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
        /// The most that is allowed, in pixels.
        limit: u64,
    },
}

/// The sampled frames of a video, in order. Memory holds one of them.
#[derive(Debug)]
pub struct VideoFrames {
    ffmpeg: Child,
    /// None after the end.
    frames: Option<BufReader<ChildStdout>>,
    every: f64,
    read: u32,
    limits: Limits,
}

impl VideoFrames {
    /// Begins to read the file at `path`, a frame each `every` seconds. Only files are read, also by what the file
    /// itself may name.
    ///
    /// # Errors
    /// When there is no ffmpeg or no such file, or `every` is not in `(0, 86400]`.
    pub fn of_file(path: &Path, every: f64, limits: Limits) -> Result<Self, VideoError> {
        std::fs::metadata(path).map_err(VideoError::Unreadable)?;
        let mut name = std::ffi::OsString::from("file:");
        name.push(path);
        Self::start(
            Command::new("ffmpeg").args(["-protocol_whitelist", "file"]).arg("-i").arg(name),
            every,
            limits,
        )
    }

    /// Begins to read a stream, for example `rtsp://camera/1`.
    ///
    /// # Errors
    /// When there is no ffmpeg, or `every` is not in `(0, 86400]`.
    pub fn of_stream(address: &str, every: f64, limits: Limits) -> Result<Self, VideoError> {
        Self::start(Command::new("ffmpeg").args(["-i", address]), every, limits)
    }

    /// Global options may stand behind the input's.
    fn start(command: &mut Command, every: f64, limits: Limits) -> Result<Self, VideoError> {
        if !(every > 0.0 && every <= 86400.0) {
            return Err(VideoError::NotATime(every));
        }
        let filter = format!("fps=1/{every}");
        let quiet = ["-nostdin", "-hide_banner", "-v", "error"];
        let output =
            ["-an", "-sn", "-vf", &filter, "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-"];
        let pipes = command.args(quiet).args(output).stdin(Stdio::null());
        let started = pipes.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut ffmpeg = started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => VideoError::NoFfmpeg,
            _ => VideoError::Pipe(error),
        })?;
        let frames = ffmpeg.stdout.take().map(BufReader::new);
        Ok(Self { ffmpeg, frames, every, read: 0, limits })
    }

    /// How ffmpeg ended: well with frames before, or with an error that says why.
    fn end(&mut self) -> Option<VideoError> {
        self.frames = None;
        let mut said = String::new();
        if let Some(mut stderr) = self.ffmpeg.stderr.take() {
            // A few lines at the level of errors; what is not text does not matter.
            let mut bytes = Vec::new();
            let _ = stderr.by_ref().take(1 << 16).read_to_end(&mut bytes);
            said = String::from_utf8_lossy(&bytes).into_owned();
        }
        let status = match self.ffmpeg.wait() {
            Ok(status) => status,
            Err(error) => return Some(VideoError::Pipe(error)),
        };
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        match last {
            // It goes on after damage, and ends well.
            _ if status.success() && self.read > 0 => None,
            Some(line) => Some(VideoError::Refused { said: format!("`ffmpeg` says `{line}`") }),
            None => Some(VideoError::Refused { said: "`ffmpeg` found no frame in it".into() }),
        }
    }
}

impl Iterator for VideoFrames {
    type Item = Result<Frame, VideoError>;

    fn next(&mut self) -> Option<Self::Item> {
        let frames = self.frames.as_mut()?;
        match ppm::read(frames, self.limits.max_pixels) {
            Ok(Some(image)) => {
                let time = f64::from(self.read) * self.every;
                self.read += 1;
                Some(Ok(Frame { time, image }))
            }
            Ok(None) => self.end().map(Err),
            Err(ppm::PpmError::TooManyPixels { width, height }) => {
                self.frames = None;
                Some(Err(VideoError::TooManyPixels { width, height, limit: self.limits.max_pixels }))
            }
            Err(ppm::PpmError::Read(error)) => {
                let cause = self.end();
                Some(Err(cause.unwrap_or(VideoError::Pipe(error))))
            }
        }
    }
}

impl Drop for VideoFrames {
    /// Whoever has seen enough does not leave ffmpeg behind.
    fn drop(&mut self) {
        self.frames = None;
        let _ = self.ffmpeg.kill();
        let _ = self.ffmpeg.wait();
    }
}

#[cfg(test)]
mod tests;
