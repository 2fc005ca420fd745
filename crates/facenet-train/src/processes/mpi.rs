//! Processes started by `mpirun`.

use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};

use super::Processes;

/// The processes that one `mpirun` started.
pub struct Mpi {
    world: SimpleCommunicator,
    /// Ends the library's use when dropped, after the communicator.
    _universe: Universe,
}

impl Mpi {
    /// Joins the other processes; none when MPI was already in use in this one.
    ///
    /// Started without `mpirun`, this is the only process.
    pub fn join() -> Option<Self> {
        let universe = mpi::initialize()?;
        Some(Self { world: universe.world(), _universe: universe })
    }
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mpi({} of {})", self.rank(), self.count())
    }
}

impl Processes for Mpi {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn count(&self) -> usize {
        self.world.size() as usize
    }

    fn gather(&self, own: &[f32]) -> Vec<Vec<f32>> {
        let mut counts = vec![0i32; self.count()];
        self.world.all_gather_into(&(own.len() as i32), &mut counts[..]);
        let starts: Vec<i32> = counts
            .iter()
            .scan(0, |next, count| {
                *next += count;
                Some(*next - count)
            })
            .collect();
        let mut all = vec![0.0f32; counts.iter().sum::<i32>() as usize];
        let mut partition = PartitionMut::new(&mut all[..], &counts[..], &starts[..]);
        self.world.all_gather_varcount_into(own, &mut partition);
        starts.iter().zip(&counts).map(|(s, c)| all[*s as usize..][..*c as usize].to_vec()).collect()
    }

    fn sum(&self, values: &mut [f32]) {
        let own = values.to_vec();
        self.world.all_reduce_into(&own[..], values, SystemOperation::sum());
    }

    fn broadcast(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let first = self.world.process_at_rank(0);
        let mut len = bytes.len() as u64;
        first.broadcast_into(&mut len);
        bytes.resize(len as usize, 0);
        // MPI counts in 32-bit integers.
        bytes.chunks_mut(1 << 30).for_each(|chunk| first.broadcast_into(chunk));
        bytes
    }

    fn abort(&self) -> ! {
        self.world.abort(2)
    }
}
