//! How many requests each caller may make: a bucket that fills with time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many callers are remembered. Beyond, those whose buckets are full are forgotten.
const CALLERS: usize = 10_000;

/// A bucket for each caller: it fills with so many requests a second, and holds two seconds of them.
pub(crate) struct Rate {
    per_second: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: f64) -> Self {
        Self { per_second, buckets: Mutex::default() }
    }

    /// Takes a request out of a caller's bucket.
    ///
    /// # Errors
    /// When it is empty: the seconds until it is not.
    pub(crate) fn take(&self, who: &str) -> Result<(), u64> {
        self.take_at(who, Instant::now())
    }

    fn take_at(&self, who: &str, now: Instant) -> Result<(), u64> {
        let most = (2.0 * self.per_second).max(1.0);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CALLERS && !buckets.contains_key(who) {
            let fills = most / self.per_second;
            buckets.retain(|_, bucket| now.duration_since(bucket.at).as_secs_f64() < fills);
        }
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: most, at: now });
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + passed * self.per_second).min(most);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(((1.0 - bucket.left) / self.per_second).ceil().max(1.0) as u64);
        }
        bucket.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_holds_two_seconds_and_fills_with_time() {
        let (rate, start) = (Rate::new(2.0), Instant::now());
        let take = |who, ms| rate.take_at(who, start + Duration::from_millis(ms));
        for _ in 0..4 {
            assert_eq!(take("k1", 0), Ok(()));
        }
        assert_eq!(take("k1", 0), Err(1));
        assert_eq!(take("k2", 0), Ok(()), "another's bucket");
        assert_eq!(take("k1", 499), Err(1));
        assert_eq!(take("k1", 1000), Ok(()));
        let slow = Rate::new(0.1);
        assert_eq!(slow.take_at("k1", start), Ok(()));
        assert_eq!(slow.take_at("k1", start), Err(10));
    }
}
