//! The same face from frame to frame of a video.

use facenet_core::{Contract, Distance, Embedding, Face};

/// A face in a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Where it is.
    pub face: Face,
    /// Who it looks like.
    pub embedding: Embedding,
    /// How good the picture is, in `[0, 1]`: what it weighs in the template.
    pub quality: f32,
}

/// A face followed over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// When it was seen first, in seconds from the start.
    pub from: f64,
    /// When it was seen last, in seconds from the start.
    pub to: f64,
    /// In how many frames it was seen; at least one.
    pub frames: usize,
    /// The sighting of the best quality; the first of equals.
    pub best: Sighting,
    /// When that was, in seconds from the start.
    pub best_at: f64,
    /// One embedding for the whole track: the mean of all, weighed by their quality.
    pub template: Embedding,
}

/// When two sightings are one track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrackerSettings {
    /// A face anywhere in the next frame goes on with a track up to this distance from its template (inclusive).
    pub same: Distance,
    /// A face in the same place, up to this distance (inclusive): the face turned, or a hand passed before it. Beyond it
    /// somebody else stands there.
    pub same_place: Distance,
    /// Intersection over union from which two boxes are the same place (inclusive).
    pub overlap: f32,
    /// A track ends when its face was not seen for longer than this, in seconds.
    pub gap: f64,
}

/// Joins the faces of frames to tracks, as they come.
#[derive(Debug)]
pub struct Tracker {
    settings: TrackerSettings,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    track: Track,
    last: Face,
    /// All embeddings, weighed and added.
    sum: Vec<f32>,
}

/// What a sighting of no quality weighs, so that a track of such has a template too.
const LEAST_WEIGHT: f32 = 1e-3;

impl TrackerSettings {
    /// For a model under `contract`, whose threshold for one person is `same`. In the same place its threshold at a false
    /// accept rate of 1 % holds, if that is looser: a track of two people does more harm than two of one.
    pub fn at(same: Distance, contract: &Contract) -> Self {
        let same_place = contract.threshold_at(1e-2).map_or(same, |loose| same.max(loose.distance));
        Self { same, same_place, overlap: 0.3, gap: 2.0 }
    }
}

impl Tracker {
    /// A tracker that has seen nothing.
    pub fn new(settings: TrackerSettings) -> Self {
        Self { settings, running: Vec::new() }
    }

    /// Takes the faces of the frame at `time`, in seconds from the start, later than those before. Gives the tracks
    /// that have ended by now, in the order in which they began.
    pub fn add(&mut self, time: f64, sightings: Vec<Sighting>) -> Vec<Track> {
        let is_over = |running: &Running| time - running.track.to > self.settings.gap;
        let (over, running): (Vec<Running>, _) =
            std::mem::take(&mut self.running).into_iter().partition(is_over);
        self.running = running;
        let goes_on = self.assign(&sightings);
        for (sighting, track) in sightings.into_iter().zip(goes_on) {
            match track {
                Some(at) => self.running[at].go_on(time, sighting),
                None => self.running.push(Running::begin(time, sighting)),
            }
        }
        over.into_iter().map(|running| running.track).collect()
    }

    /// The tracks that were still running, in the order in which they began.
    pub fn finish(self) -> Vec<Track> {
        self.running.into_iter().map(|running| running.track).collect()
    }

    /// The running track that each sighting goes on with: the surest pair first, each track and sighting once.
    fn assign(&self, sightings: &[Sighting]) -> Vec<Option<usize>> {
        let mut pairs = Vec::new();
        for (at, running) in self.running.iter().enumerate() {
            for (index, sighting) in sightings.iter().enumerate() {
                pairs.extend(self.doubt(running, sighting).map(|doubt| (doubt, at, index)));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut goes_on = vec![None; sightings.len()];
        for (_, at, index) in pairs {
            if goes_on[index].is_none() && !goes_on.contains(&Some(at)) {
                goes_on[index] = Some(at);
            }
        }
        goes_on
    }

    /// How doubtful it is that they are one, lower is surer; none when they are not.
    fn doubt(&self, running: &Running, sighting: &Sighting) -> Option<f32> {
        let overlap = running.last.bounds.intersection_over_union(&sighting.face.bounds);
        let distance = running.track.template.distance(&sighting.embedding);
        let farthest =
            if overlap >= self.settings.overlap { self.settings.same_place } else { self.settings.same };
        (distance <= farthest).then(|| distance.value() - overlap)
    }
}

impl Running {
    fn begin(time: f64, sighting: Sighting) -> Self {
        let (last, template) = (sighting.face.clone(), sighting.embedding.clone());
        let sum = weighed(&sighting).collect();
        let track = Track { from: time, to: time, frames: 1, best: sighting, best_at: time, template };
        Self { track, last, sum }
    }

    fn go_on(&mut self, time: f64, sighting: Sighting) {
        let track = &mut self.track;
        self.sum.iter_mut().zip(weighed(&sighting)).for_each(|(sum, value)| *sum += value);
        // Embeddings that cancel out have no mean: the template stays as it was.
        track.template = Embedding::normalize(self.sum.clone()).unwrap_or_else(|_| track.template.clone());
        self.last = sighting.face.clone();
        (track.to, track.frames) = (time, track.frames + 1);
        if sighting.quality > track.best.quality {
            (track.best, track.best_at) = (sighting, time);
        }
    }
}

fn weighed(sighting: &Sighting) -> impl Iterator<Item = f32> {
    let weight = sighting.quality.max(LEAST_WEIGHT);
    sighting.embedding.as_slice().iter().map(move |value| weight * value)
}

#[cfg(test)]
mod tests;
