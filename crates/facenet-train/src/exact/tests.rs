use std::cell::RefCell;

use facenet::network::{Graph, table};
use facenet_core::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::loss::triplet_loss;
use crate::miner::Triplet;
use crate::processes::Alone;

const BATCH: usize = 7;

fn network(name: &str) -> TrainNetwork {
    TrainNetwork::new(Graph::of(&table(name).unwrap(), 16), &mut ChaCha8Rng::seed_from_u64(3))
}

fn chips(network: &TrainNetwork) -> Vec<Chip> {
    let edge = network.graph().input().height as u32;
    let chip = |i: u32| {
        let pixel = |x: u32, y: u32| {
            [x * 31 + y * (7 + i), x * y + 40 * i, (x ^ y) * (3 + i)].map(|v| v as u8).into()
        };
        Chip::new(RgbImage::from_fn(edge, edge, pixel)).unwrap()
    };
    (0..BATCH as u32).map(chip).collect()
}

const SEEDS: [u64; BATCH] = [5, 1, 9, 4, 4, 8, 2];

fn triplet(anchor: u32, positive: u32, negative: u32) -> Triplet {
    Triplet { anchor, positive, negative }
}

/// Loss and gradients of a batch in pieces of `size`, with a margin that keeps all hinges open.
fn gradients(network: &TrainNetwork, size: usize, kept: usize, dropout: f32) -> (f32, Vec<f32>, Gradients) {
    let chips = chips(network);
    let pieces = Pieces::of(BATCH, size);
    let exact = Exact { network, chips: &chips, dropout, seeds: &SEEDS, pieces, kept, processes: &Alone };
    let embedded = exact.embed();
    let triplets = [triplet(0, 1, 2), triplet(3, 2, 6), triplet(5, 4, 0)];
    let loss = triplet_loss(&embedded.embeddings, 16, &triplets, 4.0);
    let WentBack { gradients, statistics } = exact.backward(embedded, &loss.gradient);
    (loss.value, statistics, gradients)
}

/// The largest difference of two gradients over the largest value of the tensor.
fn difference(found: &Gradients, expected: &Gradients) -> f32 {
    let of = |name: &String| {
        let (found, expected) = (&found[name], &expected[name]);
        let largest = expected.iter().fold(0.0, |l: f32, v| l.max(v.abs()));
        found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max) / largest.max(1e-12)
    };
    expected.keys().map(of).fold(0.0, f32::max)
}

#[test]
fn activations_that_were_given_up_come_back_the_same() {
    let network = network("lite");
    for dropout in [0.0, 0.4] {
        let all_kept = gradients(&network, 3, 9, dropout);
        for kept in [0, 1, 2] {
            assert_eq!(gradients(&network, 3, kept, dropout), all_kept, "{kept} kept, dropout {dropout}");
        }
    }
}

/// Without batch normalisation every image has its embedding to itself, and so the pieces give what one piece gives.
#[test]
fn without_normalisation_the_gradient_is_that_of_the_batch_in_one_piece() {
    for name in ["nn4", "nns2"] {
        let network = network(name);
        let (loss, _, expected) = gradients(&network, BATCH, 1, 0.25);
        for (size, kept) in [(1, 0), (3, 0), (3, 1), (5, 9)] {
            let (found_loss, _, found) = gradients(&network, size, kept, 0.25);
            assert!((found_loss - loss).abs() <= 1e-6 * loss.abs());
            let difference = difference(&found, &expected);
            assert!(difference < 1e-5, "{name} in pieces of {size}: {difference}");
        }
    }
}

/// Batch normalisation over groups: the slope of the loss, when each group is normalised by itself.
#[test]
fn with_normalisation_in_groups_the_gradient_is_that_of_finite_differences() {
    let network = network("lite");
    let (_, _, found) = gradients(&network, 3, 0, 0.25);
    for name in ["embedding.weight", "residual4.second.norm.gamma", "conv3.weight"] {
        let steepest = |(_, a): &(usize, &f32), (_, b): &(usize, &f32)| a.abs().total_cmp(&b.abs());
        let (index, found) = found[name].iter().enumerate().max_by(steepest).unwrap();
        let shifted = |by: f32| {
            let mut network = network.clone();
            network.values_mut(name)[index] += by;
            f64::from(gradients(&network, 3, 9, 0.25).0)
        };
        let expected = ((shifted(1e-3) - shifted(-1e-3)) / 2e-3) as f32;
        assert!(
            (found - expected).abs() < 0.05 * expected.abs() + 2e-3,
            "{name}: {found} against {expected}"
        );
    }
}

#[test]
fn the_statistics_are_the_means_over_the_groups() {
    let network = network("lite");
    let (_, whole, _) = gradients(&network, BATCH, 0, 0.0);
    let (_, halves, _) = gradients(&network, 4, 0, 0.0);
    let chips = chips(&network);
    let alone = |rows: &[usize]| {
        let input = network.graph().input();
        let len = input.len();
        let mut images = vec![0.0; rows.len() * len];
        images.chunks_mut(len).zip(rows).for_each(|(image, row)| preprocess(&chips[*row], input, image));
        network.forward(images, None).statistics()
    };
    assert_eq!(whole, alone(&[0, 1, 2, 3, 4, 5, 6]));
    let (first, second) = (alone(&[0, 2, 4, 6]), alone(&[1, 3, 5]));
    for (found, (a, b)) in halves.iter().zip(first.iter().zip(&second)) {
        assert!((found - (a + b) / 2.0).abs() <= 1e-6 * found.abs());
    }
}

/// Threads that stand for processes.
struct Threads<'a> {
    rank: usize,
    count: usize,
    barrier: &'a std::sync::Barrier,
    board: &'a std::sync::Mutex<Vec<Vec<f32>>>,
    calls: RefCell<usize>,
}

impl Processes for Threads<'_> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn gather(&self, own: &[f32]) -> Vec<Vec<f32>> {
        *self.calls.borrow_mut() += 1;
        self.board.lock().unwrap()[self.rank] = own.to_vec();
        self.barrier.wait();
        let all = self.board.lock().unwrap().clone();
        self.barrier.wait();
        all
    }

    fn sum(&self, values: &mut [f32]) {
        let all = self.gather(values);
        for (i, value) in values.iter_mut().enumerate() {
            *value = all.iter().map(|of| of[i]).sum();
        }
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn abort(&self) -> ! {
        panic!("aborted")
    }
}

#[test]
fn several_processes_give_the_gradient_of_one_even_when_some_have_nothing_to_do() {
    let network = network("lite");
    let (loss, statistics, expected) = gradients(&network, 3, 0, 0.0);
    let chips = chips(&network);
    for count in [2, 3, 5] {
        let barrier = std::sync::Barrier::new(count);
        let board = std::sync::Mutex::new(vec![Vec::new(); count]);
        let one = |rank: usize| {
            let processes =
                Threads { rank, count, barrier: &barrier, board: &board, calls: RefCell::default() };
            let pieces = Pieces::of(BATCH, 3);
            let exact = Exact {
                network: &network,
                chips: &chips,
                dropout: 0.0,
                seeds: &SEEDS,
                pieces,
                kept: 1,
                processes: &processes,
            };
            let embedded = exact.embed();
            let triplets = [triplet(0, 1, 2), triplet(3, 2, 6), triplet(5, 4, 0)];
            let loss = triplet_loss(&embedded.embeddings, 16, &triplets, 4.0);
            let WentBack { gradients, statistics } = exact.backward(embedded, &loss.gradient);
            (loss.value, statistics, gradients)
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..count).map(|rank| scope.spawn(move || one(rank))).collect();
            for thread in threads {
                let (found_loss, found_statistics, found) = thread.join().unwrap();
                assert_eq!(found_loss, loss);
                assert!(difference(&found, &expected) < 1e-5, "{count} processes");
                for (found, expected) in found_statistics.iter().zip(&statistics) {
                    assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1e-3));
                }
            }
        });
    }
}
