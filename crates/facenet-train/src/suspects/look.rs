//! What one checkpoint calls.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::{SamePerson, Stranger, SuspectConfig, Twins};
use crate::NotEmbeddings;
use crate::dataset::ImageId;
use crate::miner::{People, Rows};

/// What one checkpoint calls; nothing twice.
pub(super) struct Found {
    pub(super) strangers: Vec<Stranger>,
    pub(super) twins: Vec<Twins>,
    pub(super) same_people: Vec<SamePerson>,
}

pub(super) fn look(
    embeddings: &[f32],
    labels: &[u32],
    ids: &[ImageId],
    config: &SuspectConfig,
) -> Result<Found, NotEmbeddings> {
    let rows = Rows::check(embeddings, labels.len())?;
    let people = People::of(labels);
    let rows = rows.arranged(&people.order);
    // By position, person after person.
    let ids: Vec<u32> = people.order.iter().map(|&row| ids[row as usize].0).collect();
    let labels: Vec<u32> = people.runs.iter().map(|run| labels[people.order[run.start] as usize]).collect();
    let faces = Faces { rows: &rows, people: &people, ids: &ids, labels: &labels };

    let sums: Vec<Vec<f32>> = people.runs.iter().map(|run| sum(&rows, run.clone())).collect();
    let (numbers, means): (Vec<usize>, Vec<Vec<f32>>) =
        sums.iter().enumerate().filter_map(|(person, sum)| Some((person, unit(sum.clone())?))).unzip();
    Ok(Found {
        strangers: faces.strangers(&sums, &numbers, &means, config.gap),
        twins: faces.twins(config.twin),
        same_people: faces.same_people(&numbers, &means, config.same_person),
    })
}

struct Faces<'a> {
    rows: &'a Rows<'a>,
    people: &'a People,
    ids: &'a [u32],
    labels: &'a [u32],
}

impl Faces<'_> {
    /// `means` are those of the people `numbers`.
    fn strangers(&self, sums: &[Vec<f32>], numbers: &[usize], means: &[Vec<f32>], gap: f32) -> Vec<Stranger> {
        let of_position = |position: usize| {
            let person = self.people.person(position);
            let row = self.rows.row(position);
            let others = sums[person].iter().zip(row).map(|(sum, value)| sum - value).collect();
            if self.people.runs[person].len() < 2 {
                return None;
            }
            let own_distance = squared_distance(&unit(others)?, row);
            let others = numbers.iter().zip(means).filter(|(number, _)| **number != person);
            let (looks_like, other_distance) = others
                .map(|(number, mean)| (*number, squared_distance(mean, row)))
                .min_by(|a, b| a.1.total_cmp(&b.1))?;
            (own_distance - other_distance > gap).then(|| Stranger {
                image: self.ids[position],
                person: self.labels[person],
                looks_like: self.labels[looks_like],
                own_distance,
                other_distance,
                called: 1,
            })
        };
        (0..self.rows.count()).into_par_iter().filter_map(of_position).collect()
    }

    fn twins(&self, farthest: f32) -> Vec<Twins> {
        let of_block = |block: Range<usize>| {
            let mut out = Vec::new();
            self.rows.distances(block.clone(), 0..self.rows.count(), &mut out);
            let nearest = |(position, distances): (usize, &[f32])| {
                let run = self.people.run(position);
                let others = (0..run.start).chain(run.end..distances.len());
                let other = others.min_by(|&a, &b| distances[a].total_cmp(&distances[b]))?;
                (distances[other] <= farthest).then(|| self.pair(position, other, distances[other]))
            };
            block.zip(out.chunks(self.rows.count())).filter_map(nearest).collect::<Vec<_>>()
        };
        let found: Vec<Vec<Twins>> = self.rows.blocks().into_par_iter().map(of_block).collect();
        // Either may be the nearest of the other.
        let once: BTreeMap<[u32; 2], Twins> = found.concat().into_iter().map(|t| (t.images, t)).collect();
        once.into_values().collect()
    }

    fn pair(&self, a: usize, b: usize, distance: f32) -> Twins {
        let (a, b) = if self.ids[a] < self.ids[b] { (a, b) } else { (b, a) };
        let label = |position: usize| self.labels[self.people.person(position)];
        Twins { images: [self.ids[a], self.ids[b]], people: [label(a), label(b)], distance, called: 1 }
    }

    fn same_people(&self, numbers: &[usize], means: &[Vec<f32>], farthest: f32) -> Vec<SamePerson> {
        let of_person = |i: usize| {
            let pair = move |j: usize| {
                let (a, b) = (self.labels[numbers[i]], self.labels[numbers[j]]);
                let distance = squared_distance(&means[i], &means[j]);
                (distance <= farthest).then(|| SamePerson {
                    people: [a.min(b), a.max(b)],
                    distance,
                    called: 1,
                })
            };
            (i + 1..means.len()).filter_map(pair)
        };
        (0..means.len()).into_par_iter().flat_map_iter(of_person).collect()
    }
}

fn sum(rows: &Rows, positions: Range<usize>) -> Vec<f32> {
    let mut sum = rows.row(positions.start).to_vec();
    for position in positions.skip(1) {
        sum.iter_mut().zip(rows.row(position)).for_each(|(sum, value)| *sum += value);
    }
    sum
}

/// None when it has no direction: faces that cancel each other out have no mean face.
fn unit(mut values: Vec<f32>) -> Option<Vec<f32>> {
    let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    values.iter_mut().for_each(|v| *v /= norm);
    (norm > 1e-6).then_some(values)
}

/// Of unit vectors, in `[0, 4]`. Squared differences rather than the dot product: exact near zero.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            lanes[i] += (a[i] - b[i]) * (a[i] - b[i]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b)).sum();
    (lanes.iter().sum::<f32>() + rest).min(4.0)
}
