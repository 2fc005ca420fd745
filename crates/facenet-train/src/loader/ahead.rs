//! A function of the step, computed ahead on threads, its results in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};

/// Why there is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The thread that prepared it panicked.
    #[error("preparing the batch of step {step} panicked: {message}")]
    Panicked {
        /// The step.
        step: u64,
        /// What the panic said.
        message: String,
    },
}

/// Threads that compute `make(step)` for step after step, at most so many ahead of what has been taken.
#[derive(Debug)]
pub(crate) struct Ahead<T> {
    queue: Arc<Queue<T>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Queue<T> {
    state: Mutex<State<T>>,
    /// A result has come in.
    ready: Condvar,
    /// A result was taken, or all is over.
    room: Condvar,
    ahead: u64,
}

#[derive(Debug)]
struct State<T> {
    /// The next step that a thread begins.
    to_make: u64,
    /// The next step that is given out.
    to_give: u64,
    made: BTreeMap<u64, Result<T, LoadError>>,
    stopped: bool,
}

impl<T: Send + 'static> Ahead<T> {
    pub(crate) fn start(
        make: impl Fn(u64) -> T + Send + Sync + 'static,
        first_step: u64,
        workers: NonZeroUsize,
        ahead: NonZeroUsize,
    ) -> std::io::Result<Self> {
        let state = State { to_make: first_step, to_give: first_step, made: BTreeMap::new(), stopped: false };
        let queue = Arc::new(Queue {
            state: Mutex::new(state),
            ready: Condvar::new(),
            room: Condvar::new(),
            ahead: ahead.get() as u64,
        });
        let make = Arc::new(make);
        // Made before its threads: should one not start, dropping this ends those that did.
        let mut started = Self { queue, threads: Vec::new() };
        for number in 0..workers.get() {
            let (queue, make) = (Arc::clone(&started.queue), Arc::clone(&make));
            let thread = Builder::new().name(format!("loader-{number}")).spawn(move || queue.work(&*make))?;
            started.threads.push(thread);
        }
        Ok(started)
    }

    pub(crate) fn next(&mut self) -> Result<T, LoadError> {
        let state = self.queue.lock();
        let mut state = wait(&self.queue.ready, state, |state| !state.made.contains_key(&state.to_give));
        let step = state.to_give;
        if let Some(Err(error)) = state.made.get(&step) {
            return Err(error.clone()); // it stays: there is nothing behind it
        }
        state.to_give += 1;
        let made = state.made.remove(&step).expect("it was waited for");
        self.queue.room.notify_one();
        made
    }
}

impl<T> Queue<T> {
    /// What a thread does until it is told to stop.
    fn work(&self, make: &impl Fn(u64) -> T) {
        while let Some(step) = self.next_to_make() {
            let made = catch_unwind(AssertUnwindSafe(|| make(step)));
            let made = made.map_err(|panic| LoadError::Panicked { step, message: message_of(&*panic) });
            self.lock().made.insert(step, made);
            self.ready.notify_one();
        }
    }

    /// The next step, as soon as there is room for it; none when all is over.
    fn next_to_make(&self) -> Option<u64> {
        let full =
            |state: &State<T>| !state.stopped && state.to_make >= state.to_give.saturating_add(self.ahead);
        let mut state = wait(&self.room, self.lock(), full);
        let step = state.to_make;
        state.to_make += 1;
        (!state.stopped).then_some(step)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().expect("nothing panics while the queue is locked")
    }
}

fn wait<'a, T>(
    condition: &Condvar,
    state: MutexGuard<'a, State<T>>,
    not_yet: impl Fn(&State<T>) -> bool,
) -> MutexGuard<'a, State<T>> {
    condition.wait_while(state, |state| not_yet(state)).expect("nothing panics while the queue is locked")
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.queue.lock().stopped = true;
        self.queue.room.notify_all();
        for thread in self.threads.drain(..) {
            // A thread catches what it computes; a panic beyond that was printed and has nobody left to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn some(n: usize) -> NonZeroUsize {
        NonZeroUsize::new(n).unwrap()
    }

    #[test]
    fn results_come_in_order_though_they_are_made_out_of_order() {
        // Step 0 is not done before step 2 is.
        let (done, wait) = mpsc::channel();
        let (done, wait) = (Mutex::new(done), Mutex::new(wait));
        let make = move |step: u64| {
            match step {
                0 => wait.lock().unwrap().recv().unwrap(),
                2 => done.lock().unwrap().send(()).unwrap(),
                _ => {}
            }
            step * 10
        };
        let mut ahead = Ahead::start(make, 0, some(2), some(3)).unwrap();
        let results: Vec<u64> = (0..5).map(|_| ahead.next().unwrap()).collect();
        assert_eq!(results, [0, 10, 20, 30, 40]);
    }

    #[test]
    fn no_more_than_the_bound_is_made_ahead() {
        let begun = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&begun);
        let make = move |step| {
            counter.fetch_add(1, Ordering::SeqCst);
            step
        };
        let mut ahead = Ahead::start(make, 100, some(3), some(2)).unwrap();
        for taken in 0..50 {
            assert_eq!(ahead.next(), Ok(100 + taken));
            assert!(begun.load(Ordering::SeqCst) <= taken + 1 + 2);
        }
        let counts = Arc::clone(&begun);
        drop(ahead);
        assert!(counts.load(Ordering::SeqCst) <= 52);
    }

    #[test]
    fn it_ends_while_its_threads_wait_on_a_full_queue_and_when_nothing_was_taken() {
        for workers in [1, 4] {
            let (made, wait) = mpsc::channel();
            let ahead =
                Ahead::start(move |step| made.send(step).unwrap(), 0, some(workers), some(2)).unwrap();
            wait.iter().take(2).for_each(drop); // the queue is full
            drop(ahead);
            assert!(wait.recv().is_err(), "a thread went on");
            drop(Ahead::start(|step| step, 0, some(workers), some(8)).unwrap());
        }
    }

    #[test]
    fn a_panic_is_an_error_at_its_step_and_from_then_on() {
        let make = |step| if step == 2 { panic!("image {step} is cursed") } else { step };
        for workers in [1, 3] {
            let mut ahead = Ahead::start(make, 0, some(workers), some(4)).unwrap();
            assert_eq!((ahead.next(), ahead.next()), (Ok(0), Ok(1)));
            for _ in 0..3 {
                let error = ahead.next().unwrap_err();
                assert_eq!(error.to_string(), "preparing the batch of step 2 panicked: image 2 is cursed");
            }
        }
    }
}
