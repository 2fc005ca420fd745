//! Several processes that train one network: each takes its share of a batch's pieces, all see all embeddings.
//!
//! The loss is computed by each process on the whole batch, so that triplets are mined over all of it; only the
//! network's passes are shared out. A step needs one gathering of embeddings and one sum of gradients.

#[cfg(feature = "mpi")]
mod mpi;

#[cfg(feature = "mpi")]
pub use mpi::Mpi;

/// The processes of a run. Every process must make the same calls in the same order.
pub trait Processes {
    /// This process, from 0. The first one writes the run folder.
    fn rank(&self) -> usize;
    /// How many there are.
    fn count(&self) -> usize;
    /// What every process gives, in the order of ranks.
    fn gather(&self, own: &[f32]) -> Vec<Vec<f32>>;
    /// Replaces `values` by their sums over the processes, the same in all.
    fn sum(&self, values: &mut [f32]);
    /// The bytes of the first process, in all.
    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8>;
    /// Ends all processes, because this one cannot go on.
    fn abort(&self) -> !;
}

/// One process.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Processes for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn count(&self) -> usize {
        1
    }

    fn gather(&self, own: &[f32]) -> Vec<Vec<f32>> {
        vec![own.to_vec()]
    }

    fn sum(&self, _: &mut [f32]) {}

    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn abort(&self) -> ! {
        std::process::exit(2)
    }
}
