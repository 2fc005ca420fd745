//! How often something can be done in a second.

use std::time::{Duration, Instant};

/// Runs of which the best counts: what disturbs a run only ever makes it slower.
const RUNS: usize = 5;

/// How long a run lasts at least.
const RUN_TIME: Duration = Duration::from_millis(200);

/// Things done a second by `work`, which does `count` of them at a time. Once before, it runs for nothing.
pub(super) fn per_second(count: usize, work: &impl Fn()) -> f64 {
    work();
    let run = || {
        let start = Instant::now();
        let mut done = 0;
        while start.elapsed() < RUN_TIME {
            work();
            done += count;
        }
        done as f64 / start.elapsed().as_secs_f64()
    };
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_fifty_milliseconds_is_done_less_than_twenty_times_a_second() {
        let busy = || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(50) {}
        };
        let rate = per_second(3, &busy);
        // Three things a time; the lower border leaves room for a busy machine.
        assert!((6.0..=60.0).contains(&rate), "{rate}");
    }
}
