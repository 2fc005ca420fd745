//! `facenet track`: who is seen in a video, and when?

mod seconds;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use facenet::{FaceEngine, Frame, Limits, Sighting, Track, Tracker, TrackerSettings, VideoFrames};
use facenet_core::{Embedding, Face};
use facenet_gallery::{Finder, Template};
use rayon::prelude::*;
use serde::Serialize;

use self::seconds::Seconds;
use crate::commands::identify;
use crate::console::Console;
use crate::numbers::counted;
use crate::outcome::Outcome;
use crate::photos::PhotoOptions;
use crate::pipeline::quality;
use crate::threshold::{self, ThresholdOptions};

/// The default for `--far`: every face is compared with those around it, and with the gallery.
const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// Follow the faces in videos: a line for each face from its first frame to its last.
///
/// Frames are sampled, and faces joined over time by where they are and who they look like. Each track has one template,
/// the mean of its embeddings weighed by quality. Videos and streams are read by the program `ffmpeg`, which must be
/// installed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  facenet track holiday.mp4
  facenet track holiday.mp4 --gallery people/ --every 1s
  facenet track rtsp://camera/1 --json")]
pub(crate) struct Args {
    /// Videos, or addresses of streams such as `rtsp://camera/1`.
    #[arg(required = true, value_name = "VIDEO")]
    videos: Vec<PathBuf>,
    /// Time between the frames that are looked at: `0.5s`, `200ms`, or seconds.
    #[arg(long, value_name = "TIME", default_value = "0.5s")]
    every: Seconds,
    /// Leave out tracks of fewer frames.
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_frames: usize,
    /// Name the tracks by these known people: a gallery's file, or a folder of folders that are named like the person.
    #[arg(short, long, value_name = "GALLERY")]
    gallery: Option<PathBuf>,
    #[command(flatten)]
    threshold: ThresholdOptions,
    #[command(flatten)]
    photos: PhotoOptions,
    /// Print a line of JSON a track: also its best face and its template.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct TrackLine<'a> {
    path: &'a Path,
    track: usize,
    from: f64,
    to: f64,
    frames: usize,
    /// `null` for nobody; absent without a gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Option<&'a str>>,
    best: Best<'a>,
    embedding: &'a Embedding,
    model: &'a str,
}

#[derive(Debug, Serialize)]
struct Best<'a> {
    time: f64,
    face: &'a Face,
    quality: f32,
}

pub(crate) fn run(args: &Args, console: &mut Console) -> Result<Outcome> {
    let engine = args.photos.build()?;
    let cut = args.threshold.choose(engine.contract(), FALSE_ACCEPT_RATE)?;
    let (pipeline, mut store) = (args.photos.pipeline(&engine)?, None);
    let finder = match &args.gallery {
        Some(place) => Some(identify::known(place, Template::Best, &pipeline, &mut store, console)?),
        None => None,
    };
    console.note(format_args!("the threshold is {}", threshold::words(&cut)));

    let model = engine.contract().id();
    let mut tracks = 0;
    for video in &args.videos {
        let mut number = 0;
        let mut give = |track: Track, console: &Console| {
            if track.frames < args.min_frames {
                return Ok(());
            }
            (number, tracks) = (number + 1, tracks + 1);
            let identify = |finder: &Finder<'_>| finder.identify(&track.template, cut.distance(), 1);
            let found = finder.as_ref().map(identify).transpose()?.map(|found| found.person);
            let person = found.as_ref().map(Option::as_deref);
            print(args.json, &line(video, number, &track, person, &model), console)
        };
        let mut tracker = Tracker::new(TrackerSettings::at(cut.distance(), engine.contract()));
        let result = follow(&engine, args, video, &mut tracker, &mut |track| give(track, console));
        // What was seen before a fault was seen.
        for track in tracker.finish() {
            give(track, console)?;
        }
        if let Err(error) = result {
            console.failed(video, &error);
        }
    }
    console.note(counted(tracks, "track", "tracks"));
    Ok(console.outcome(Outcome::Yes))
}

/// Gives the tracks of a video as they end; those at its end stay in `tracker`.
fn follow(
    engine: &FaceEngine,
    args: &Args,
    video: &Path,
    tracker: &mut Tracker,
    give: &mut dyn FnMut(Track) -> Result<()>,
) -> Result<()> {
    let (every, limits) = (args.every.0, Limits::default());
    let stream = video.to_str().filter(|text| text.contains("://"));
    let mut frames = match stream {
        Some(address) => VideoFrames::of_stream(address, every, limits)?,
        None => VideoFrames::of_file(video, every, limits)?,
    };
    // A stream is told as it comes.
    let at_a_time = if stream.is_some() { 1 } else { rayon::current_num_threads() };
    loop {
        let mut fault = None;
        let mut some: Vec<Frame> = Vec::new();
        for frame in frames.by_ref().take(at_a_time) {
            match frame {
                Ok(frame) => some.push(frame),
                Err(error) => fault = Some(error),
            }
        }
        let seen: Vec<Result<Vec<Sighting>>> =
            some.par_iter().map(|frame| sightings(engine, frame)).collect();
        for (frame, seen) in some.iter().zip(seen) {
            for track in tracker.add(frame.time, seen?) {
                give(track)?;
            }
        }
        match fault {
            Some(fault) => return Err(fault.into()),
            None if some.is_empty() => return Ok(()),
            None => {}
        }
    }
}

fn sightings(engine: &FaceEngine, frame: &Frame) -> Result<Vec<Sighting>> {
    let faces = engine.embed_faces(&frame.image).context("cannot use a frame")?;
    let sighting = |(face, embedding): (Face, Embedding)| {
        let quality = quality(&frame.image, &face).value;
        Sighting { face, embedding, quality }
    };
    Ok(faces.into_iter().map(sighting).collect())
}

fn line<'a>(
    path: &'a Path,
    number: usize,
    track: &'a Track,
    person: Option<Option<&'a str>>,
    model: &'a str,
) -> TrackLine<'a> {
    TrackLine {
        path,
        track: number,
        from: track.from,
        to: track.to,
        frames: track.frames,
        person,
        best: Best { time: track.best_at, face: &track.best.face, quality: track.best.quality },
        embedding: &track.template,
        model,
    }
}

fn print(json: bool, line: &TrackLine<'_>, console: &Console) -> Result<()> {
    if json {
        return console.print_json(line);
    }
    let person = line.person.map_or(String::new(), |person| format!("\t{}", person.unwrap_or("nobody")));
    console
        .print(format_args!(
            "{}\ttrack {}\t{:.1} s to {:.1} s\t{}\tbest at {:.1} s{person}",
            line.path.display(),
            line.track,
            line.from,
            line.to,
            counted(line.frames, "frame", "frames"),
            line.best.time,
        ))
        .map_err(|error| anyhow!(error))
}
