//! One engine on one thread, fed by a bounded queue; what waits becomes a batch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::engine::{Engine, Image, Look, NotLooked};
use crate::problem::ApiError;
use crate::settings::Limits;
use crate::traces::{Followed, Span, followed, part};

/// The way to the engine. Dropping it lets the engine finish what it has accepted, and then end.
pub(crate) struct Queue {
    sender: SyncSender<Ticket>,
    counts: Arc<Counts>,
    answer_time: Duration,
}

/// What the queue has done.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Images that wait.
    pub(crate) waiting: AtomicUsize,
    /// Batches that the engine got.
    pub(crate) batches: AtomicU64,
    /// Images in them.
    pub(crate) images: AtomicU64,
    /// Images that nobody waited for any more.
    pub(crate) skipped: AtomicU64,
}

/// An image whose sender waits.
struct Ticket {
    image: Image,
    answer: oneshot::Sender<Result<Look, NotLooked>>,
    /// The request that it is part of, if that is followed.
    request: Option<Followed>,
    /// Ends when the engine takes the image.
    waiting: Option<Span>,
}

impl Queue {
    /// Starts the engine's thread.
    pub(crate) fn start(mut engine: Box<dyn Engine>, limits: &Limits) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel(limits.queue);
        let counts = Arc::new(Counts::default());
        let (size, linger, of_thread) = (limits.batch.max(1), limits.linger, Arc::clone(&counts));
        let thread = std::thread::spawn(move || {
            while let Some(batch) = next_batch(&receiver, size, linger) {
                of_thread.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
                work(engine.as_mut(), batch, &of_thread);
            }
        });
        (Self { sender, counts, answer_time: limits.answer_time }, thread)
    }

    /// What it has done.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What is seen in `image`. If nobody waits for the answer any more, the image is passed over.
    ///
    /// # Errors
    /// When the queue is full, the answer takes too long, or the image cannot be looked at.
    pub(crate) async fn look(&self, image: Image) -> Result<Look, ApiError> {
        let (answer, wait) = oneshot::channel();
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket { image, answer, request: followed(), waiting: part("queue") };
        if let Err(error) = self.sender.try_send(ticket) {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(match error {
                TrySendError::Full(_) => ApiError::Overloaded,
                TrySendError::Disconnected(_) => ApiError::Stopping,
            });
        }
        match tokio::time::timeout(self.answer_time, wait).await {
            Ok(Ok(look)) => Ok(look?),
            Ok(Err(_)) => Err(ApiError::Internal("the engine gave no answer".into())),
            Err(_) => Err(ApiError::Deadline),
        }
    }
}

/// The next images for which somebody waits; none when there will be no more.
fn next_batch(receiver: &Receiver<Ticket>, size: usize, linger: Duration) -> Option<Vec<Ticket>> {
    let mut batch = vec![receiver.recv().ok()?];
    let until = Instant::now() + linger;
    while batch.len() < size {
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(ticket) => batch.push(ticket),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    Some(batch)
}

fn work(engine: &mut dyn Engine, mut batch: Vec<Ticket>, counts: &Counts) {
    let came = batch.len();
    batch.retain(|ticket| !ticket.answer.is_closed());
    counts.skipped.fetch_add((came - batch.len()) as u64, Ordering::Relaxed);
    if batch.is_empty() {
        return;
    }
    counts.batches.fetch_add(1, Ordering::Relaxed);
    counts.images.fetch_add(batch.len() as u64, Ordering::Relaxed);
    let size = batch.len();
    let (mut images, mut answers, mut spans) = (Vec::new(), Vec::new(), Vec::new());
    for Ticket { image, answer, request, waiting } in batch {
        drop(waiting);
        let mut span = request.map(|request| request.part("engine"));
        span.iter_mut().for_each(|span| span.set("facenet.batch", size));
        spans.push(span);
        images.push(image);
        answers.push(answer);
    }
    // One image that an engine cannot bear takes its batch with it, but not the service.
    let Ok(looks) = catch_unwind(AssertUnwindSafe(|| engine.look(&images))) else { return };
    drop(spans);
    for (answer, look) in answers.into_iter().zip(looks) {
        // Who has left needs no answer.
        drop(answer.send(look));
    }
}
