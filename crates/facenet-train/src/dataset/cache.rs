//! Decoded images in memory, and the memory of those that cannot be decoded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use facenet_core::RgbImage;

use super::ImageId;

/// An image that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Unreadable {
    /// Where it lies: `folder/PERSON/0007.jpg` or `shard.tar:PERSON/0007.webp`.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Decoded images up to a budget, each a slot that is filled at most once: reading takes no lock.
#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<OnceLock<Arc<RgbImage>>>,
    budget_bytes: usize,
    used_bytes: AtomicUsize,
    unreadable: Mutex<BTreeMap<ImageId, Finding>>,
}

#[derive(Debug)]
struct Finding {
    error: Unreadable,
    taken: bool,
}

impl Cache {
    pub(crate) fn new(images: usize) -> Self {
        let slots = std::iter::repeat_with(OnceLock::new).take(images).collect();
        Self { slots, budget_bytes: 0, used_bytes: AtomicUsize::new(0), unreadable: Mutex::default() }
    }

    pub(crate) fn set_budget(&mut self, bytes: usize) {
        self.budget_bytes = bytes;
    }

    pub(crate) fn get_or_read(
        &self,
        image: ImageId,
        read: impl FnOnce() -> Result<RgbImage, Unreadable>,
    ) -> Result<Arc<RgbImage>, Unreadable> {
        let slot = &self.slots[image.0 as usize];
        if let Some(image) = slot.get() {
            return Ok(Arc::clone(image));
        }
        if let Some(finding) = self.unreadable().get(&image) {
            return Err(finding.error.clone());
        }
        match read() {
            Ok(decoded) => Ok(self.keep(slot, Arc::new(decoded))),
            Err(error) => {
                let finding = Finding { error: error.clone(), taken: false };
                self.unreadable().entry(image).or_insert(finding);
                Err(error)
            }
        }
    }

    /// Keeps `decoded` if it fits into the budget. Of two threads that have decoded one image, the first
    /// one's stays.
    fn keep(&self, slot: &OnceLock<Arc<RgbImage>>, decoded: Arc<RgbImage>) -> Arc<RgbImage> {
        let bytes = decoded.as_raw().len();
        let before = self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.budget_bytes || slot.set(Arc::clone(&decoded)).is_err() {
            self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        decoded
    }

    pub(crate) fn take_unreadable(&self) -> Vec<Unreadable> {
        let mut findings = self.unreadable();
        let take = |f: &mut Finding| (!std::mem::replace(&mut f.taken, true)).then(|| f.error.clone());
        findings.values_mut().filter_map(take).collect()
    }

    pub(crate) fn unreadable_count(&self) -> usize {
        self.unreadable().len()
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeMap<ImageId, Finding>> {
        self.unreadable.lock().expect("nothing panics while the list of unreadable images is locked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(edge: u32) -> Result<RgbImage, Unreadable> {
        Ok(RgbImage::new(edge, edge))
    }

    #[test]
    fn what_fits_into_the_budget_is_read_once_and_the_rest_each_time() {
        let mut cache = Cache::new(3);
        cache.set_budget(2 * 3 * 4 * 4); // two images of 4 x 4
        for id in 0..3 {
            cache.get_or_read(ImageId(id), || image(4)).unwrap();
        }
        for id in 0..2 {
            cache.get_or_read(ImageId(id), || panic!("image {id} is in memory")).unwrap();
        }
        let mut read_again = false;
        cache
            .get_or_read(ImageId(2), || {
                read_again = true;
                image(4)
            })
            .unwrap();
        assert!(read_again);
        assert_eq!(cache.used_bytes.into_inner(), 2 * 3 * 4 * 4);
    }

    #[test]
    fn an_image_that_is_too_large_leaves_room_for_a_smaller_one() {
        let mut cache = Cache::new(2);
        cache.set_budget(100);
        cache.get_or_read(ImageId(0), || image(6)).unwrap(); // 108 bytes
        cache.get_or_read(ImageId(1), || image(4)).unwrap(); // 48
        cache.get_or_read(ImageId(1), || panic!("it is in memory")).unwrap();
    }

    #[test]
    fn an_unreadable_image_is_read_once_and_handed_out_once() {
        let cache = Cache::new(2);
        let error = Unreadable { place: "a/1.png".into(), reason: "it is empty".into() };
        assert_eq!(cache.get_or_read(ImageId(1), || Err(error.clone())), Err(error.clone()));
        assert_eq!(cache.get_or_read(ImageId(1), || panic!("known")), Err(error.clone()));
        assert_eq!((cache.take_unreadable(), cache.take_unreadable()), (vec![error], vec![]));
        assert_eq!(cache.unreadable_count(), 1);
    }
}
