//! The exact gradient of a whole batch, whatever part of it fits into memory: see [`pieces`](crate::pieces).

use facenet::preprocess;
use facenet_core::Chip;
use rayon::prelude::*;

use crate::network::{Dropout, Gradients, Pass, TrainNetwork};
use crate::pieces::Pieces;
use crate::processes::Processes;

/// A batch on its way through a network, in this process and the others.
pub(crate) struct Exact<'a> {
    pub(crate) network: &'a TrainNetwork,
    pub(crate) chips: &'a [Chip],
    /// The share of dropout.
    pub(crate) dropout: f32,
    /// A seed of each image.
    pub(crate) seeds: &'a [u64],
    pub(crate) pieces: Pieces,
    /// Passes whose activations are kept, so that these pieces need not go forward again.
    pub(crate) kept: usize,
    pub(crate) processes: &'a dyn Processes,
}

/// The embeddings of a batch, and what the way back needs.
pub(crate) struct Embedded {
    /// Unit rows, `[batch, dimension]`.
    pub(crate) embeddings: Vec<f32>,
    kept: Vec<Pass>,
}

/// What the way back gives, the same in all processes.
pub(crate) struct WentBack {
    /// Of all weights, over the whole batch.
    pub(crate) gradients: Gradients,
    /// The means over the pieces, as [`TrainNetwork::absorb_statistics`] takes them.
    pub(crate) statistics: Vec<f32>,
}

impl Exact<'_> {
    /// The embeddings of all images, those of other processes too.
    pub(crate) fn embed(&self) -> Embedded {
        let (mut own, mut kept) = (Vec::new(), Vec::new());
        for piece in self.own() {
            if kept.len() < self.kept {
                let pass = self.pass(piece);
                own.extend_from_slice(&pass.embeddings);
                kept.push(pass);
            } else {
                own.extend(self.through(piece, |images, dropout| self.network.embed(images, dropout)));
            }
        }
        Embedded { embeddings: self.assemble(&self.processes.gather(&own)), kept }
    }

    /// Sends the loss's gradient at the embeddings back, `[batch, dimension]`.
    pub(crate) fn backward(&self, embedded: Embedded, gradient: &[f32]) -> WentBack {
        let dimension = self.network.graph().dimension();
        let mut kept = embedded.kept.into_iter();
        let mut gradients = self.network.zero_gradients();
        let mut statistics = vec![0.0; self.network.statistics_len()];
        for piece in self.own() {
            let pass = kept.next().unwrap_or_else(|| self.pass(piece));
            add(&mut statistics, &pass.statistics());
            let share = pass.backward(self.pieces.gather(piece, gradient, dimension));
            gradients.values_mut().zip(share.values()).for_each(|(sum, share)| add(sum, share));
        }
        gradients.values_mut().for_each(|sum| self.processes.sum(sum));
        self.processes.sum(&mut statistics);
        statistics.iter_mut().for_each(|sum| *sum /= self.pieces.count() as f32);
        WentBack { gradients, statistics }
    }

    /// The pieces of this process.
    fn own(&self) -> impl Iterator<Item = usize> + use<> {
        self.of(self.processes.rank())
    }

    /// The pieces of a process.
    fn of(&self, rank: usize) -> impl Iterator<Item = usize> + use<> {
        (rank..self.pieces.count()).step_by(self.processes.count())
    }

    fn pass(&self, piece: usize) -> Pass {
        self.through(piece, |images, dropout| self.network.forward(images, dropout))
    }

    /// Takes the images of a piece through the network.
    fn through<T>(&self, piece: usize, network: impl FnOnce(Vec<f32>, Option<Dropout>) -> T) -> T {
        let rows = self.pieces.rows(piece);
        let input = self.network.graph().input();
        let len = input.len();
        let chips: Vec<&Chip> = rows.clone().map(|row| &self.chips[row]).collect();
        let mut images = vec![0.0; chips.len() * len];
        images.par_chunks_mut(len).zip(chips).for_each(|(image, chip)| preprocess(chip, input, image));
        let seeds: Vec<u64> = rows.map(|row| self.seeds[row]).collect();
        let dropout = (self.dropout > 0.0).then_some(Dropout { share: self.dropout, seeds: &seeds });
        network(images, dropout)
    }

    /// Puts what the processes embedded in the order of the batch.
    fn assemble(&self, parts: &[Vec<f32>]) -> Vec<f32> {
        let dimension = self.network.graph().dimension();
        let mut whole = vec![0.0; self.chips.len() * dimension];
        for (rank, part) in parts.iter().enumerate() {
            let mut rest = &part[..];
            for piece in self.of(rank) {
                let (of_piece, others) = rest.split_at(self.pieces.rows(piece).count() * dimension);
                self.pieces.scatter(piece, of_piece, dimension, &mut whole);
                rest = others;
            }
        }
        whole
    }
}

fn add(sum: &mut [f32], share: &[f32]) {
    sum.par_iter_mut().zip(share).with_min_len(1 << 14).for_each(|(sum, share)| *sum += share);
}

#[cfg(test)]
mod tests;
