//! YouTube Faces: pairs of videos, compared by all their frames or by one mean embedding each.

mod frames;
mod splits;

use facenet_core::{Distance, Embedding};

pub use self::frames::{FramesError, VideoRef};
pub use self::splits::{SplitsError, VideoPair, VideoPairs};

/// Frames of a video that count, from its beginning (Schroff et al. 2015, §5.5: the first 100 detected ones; 1,000
/// gained 0.06 points).
pub const FIRST_FRAMES: usize = 100;

/// How two videos are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoDistance {
    /// The mean distance over all pairs of a frame of one and a frame of the other: the paper's, whose "average
    /// similarity of all pairs" says no more.
    MeanOfPairs,
    /// The distance of the two videos' mean embeddings, each scaled to unit length again: one template a video.
    Template,
}

/// What a video's frames come down to; enough for both distances, however many frames there are.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoSummary {
    /// The mean of the frames' embeddings, not of unit length.
    mean: Vec<f64>,
}

impl VideoSummary {
    /// Of the embeddings of a video's frames; none without a frame.
    pub fn of(frames: &[Embedding]) -> Option<Self> {
        let mut sums = vec![0.0; frames.first()?.dimension()];
        for frame in frames {
            sums.iter_mut().zip(frame.as_slice()).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        Some(Self { mean: sums.iter().map(|sum| sum / frames.len() as f64).collect() })
    }

    /// The mean embedding, scaled to unit length; none when the frames cancel out to no direction.
    pub fn template(&self) -> Option<Embedding> {
        Embedding::normalize(self.mean.iter().map(|&value| value as f32).collect()).ok()
    }
}

impl VideoDistance {
    /// The distance of two videos; none when the frames of one cancel out and a template is asked for.
    ///
    /// For unit vectors, the mean of `2 − 2·l·r` over all pairs is `2 − 2·l̄·r̄` with the means of both sides.
    pub fn between(self, left: &VideoSummary, right: &VideoSummary) -> Option<Distance> {
        match self {
            Self::MeanOfPairs => {
                let product: f64 = left.mean.iter().zip(&right.mean).map(|(l, r)| l * r).sum();
                let distance = (2.0 - 2.0 * product).clamp(0.0, 4.0);
                Some(Distance::new(distance as f32).expect("clamped into the range"))
            }
            Self::Template => Some(left.template()?.distance(&right.template()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(count: usize, seed: u32) -> Vec<Embedding> {
        let value = |i: usize| ((i as u32 * 7919 + seed) as f32 * 0.618).sin() + 0.5;
        (0..count)
            .map(|f| Embedding::normalize((0..6).map(|k| value(6 * f + k)).collect()).unwrap())
            .collect()
    }

    fn between(by: VideoDistance, left: &[Embedding], right: &[Embedding]) -> Option<Distance> {
        by.between(&VideoSummary::of(left)?, &VideoSummary::of(right)?)
    }

    #[test]
    fn the_mean_of_all_pairs_equals_the_sum_over_them() {
        let (left, right) = (drawn(7, 1), drawn(5, 2));
        let distances = left.iter().flat_map(|l| right.iter().map(|r| f64::from(l.distance(r).value())));
        let expected = distances.sum::<f64>() / 35.0;
        let found = f64::from(between(VideoDistance::MeanOfPairs, &left, &right).unwrap().value());
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        // A video is not at distance 0 from itself: its frames differ.
        assert!(between(VideoDistance::MeanOfPairs, &left, &left).unwrap().value() > 0.01);
    }

    #[test]
    fn a_template_is_the_direction_of_the_mean() {
        let at = |x: f32, y: f32| Embedding::normalize(vec![x, y]).unwrap();
        let distance = between(VideoDistance::Template, &[at(1.0, 0.0), at(0.0, 1.0)], &[at(1.0, 1.0)]);
        assert!(distance.unwrap().value() < 1e-6);
        assert!(between(VideoDistance::Template, &drawn(4, 3), &drawn(4, 3)).unwrap().value() < 1e-6);
    }

    #[test]
    fn videos_without_frames_or_direction_have_no_distance() {
        let at = |x: f32| Embedding::normalize(vec![x, 0.0]).unwrap();
        assert_eq!(between(VideoDistance::MeanOfPairs, &[], &[at(1.0)]), None);
        assert_eq!(between(VideoDistance::Template, &[at(1.0)], &[]), None);
        assert_eq!(between(VideoDistance::Template, &[at(1.0), at(-1.0)], &[at(1.0)]), None);
        assert_eq!(
            between(VideoDistance::MeanOfPairs, &[at(1.0), at(-1.0)], &[at(1.0)]).map(Distance::value),
            Some(2.0)
        );
    }
}
