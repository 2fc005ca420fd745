//! Milliseconds a photo through the detector that ships with the program, by size and threads.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use facenet::{FaceDetector, Search};
use facenet_core::{Detector, RgbImage};
use rayon::ThreadPoolBuilder;

/// A picture without a face: what is searched does not depend on what is found, as long as no turn is tried.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| [(x * 7) as u8, (y * 5) as u8, (x + y) as u8].into())
}

fn detect(criterion: &mut Criterion) {
    let shipped = || FaceDetector::shipped().expect("the shipped detector is whole");
    // As by default, for faces below 10 pixels too; and once, at the photo's own scale and coarser ones.
    let plain = Search { turns: false, ..shipped().search() };
    let searches = [("default", plain), ("not enlarged", Search { enlarge_up_to_px: 0, ..plain })];
    for (name, search) in searches {
        let detector = shipped().with_search(search).expect("the settings are in range");
        let mut group = criterion.benchmark_group(format!("detect/{name}"));
        group.sample_size(10);
        for threads in [1, 2] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            for (width, height) in [(640, 640), (4000, 3000)] {
                let photo = photo(width, height);
                let id = BenchmarkId::new(format!("{threads} threads"), format!("{width} x {height}"));
                group.bench_function(id, |bencher| {
                    pool.install(|| bencher.iter(|| detector.detect(black_box(&photo))));
                });
            }
        }
    }
}

criterion_group!(benches, detect);
criterion_main!(benches);
