use std::path::Path;

use facenet_core::{BoundingBox, RgbImage};

use super::*;
use crate::detector::drawn;
use crate::detector::routine::Window;
use crate::log::DetectorRecord;

fn config(data: &Path, more: &str) -> ValidRefinerConfig {
    let text = format!(
        "batch = 16\ndata.folder = {data:?}\noptimiser.kind = \"adam\"\naveraging.decay = 0.9\n{more}"
    );
    toml::from_str::<RefinerConfig>(&text).unwrap().validate().unwrap()
}

/// Aligned crops: the drawn face in the middle of pictures of 128 pixels, one a person.
fn crops(folder: &Path, count: usize) {
    for number in 0..count {
        let photo = folder.join(format!("{number}/1.png"));
        std::fs::create_dir_all(photo.parent().unwrap()).unwrap();
        RgbImage::from_fn(128, 128, |x, y| [x as u8, y as u8, number as u8 * 20].into()).save(photo).unwrap();
    }
}

fn train(config: &ValidRefinerConfig, run: &Path, resume: bool) -> (TrainedDetector, Vec<DetectorRecord>) {
    let mut records = Vec::new();
    let mut run = RunFolder::open(run, resume).unwrap();
    let trained = train_refiner(config, &mut run, |event| {
        if let DetectorEvent::Logged(record) = event {
            records.push(record.clone());
        }
    });
    (trained.unwrap(), records)
}

#[test]
fn drawn_faces_are_learnt_and_the_model_holds_both_looks() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 8);
    let more = "schedule = { steps = 120, learning_rate = 0.004, warm_up = 10, plateau = 0.5 }\n\
                run = { log_every = 10, validate_every = 1000 }\n\
                sample = { coarse = 0.0, turn_far = 0.0, turn = 5.0 }\n";
    let (trained, records) = train(&config(folder.path(), more), &folder.path().join("run"), false);
    let (first, last) = (&records[0], records.last().unwrap());
    assert!(last.landmark_loss < 0.4 * first.landmark_loss, "{first:?} to {last:?}");
    assert!(last.overlap > 0.8, "{last:?}");
    let path = folder.path().join("run/model.safetensors");
    let model = DetectorModel::load(&path).unwrap();
    assert_eq!(model, trained.model);
    assert_eq!(model.facts().refiner.as_ref().unwrap().network, "lite-refiner");
    assert_eq!(model.weights(), DetectorModel::shipped().unwrap().weights());
}

#[test]
fn the_same_seed_gives_the_same_weights_and_so_does_a_run_that_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 4);
    crops(&folder.path().join("crops"), 3);
    let with = |seed: u64| {
        let schedule = "schedule = { steps = 6, learning_rate = 0.002, shape = \"constant\" }";
        let run = "run = { checkpoint_every = 3, log_every = 3 }";
        let crops = folder.path().join("crops");
        config(folder.path(), &format!("seed = {seed}\ndata.crops = {crops:?}\n{schedule}\n{run}\n"))
    };
    let run = |name: &str| folder.path().join(name);
    let whole = train(&with(1), &run("whole"), false).0.model;
    assert_eq!(train(&with(1), &run("again"), false).0.model, whole);
    assert_ne!(train(&with(2), &run("other"), false).0.model, whole);

    // Stopped after the checkpoint of step 3, as by a power cut in step 5.
    let mut stopped = RunFolder::open(&run("stopped"), false).unwrap();
    let config = with(1);
    let mut show = |_: DetectorEvent| {};
    let mut routine = start(&config, &mut stopped, &mut show).unwrap();
    let mut loader = routine.loader().unwrap();
    let mut window = Window::default();
    for _ in 0..5 {
        let samples = loader.next().unwrap();
        routine.step(&samples).unwrap();
        routine.tell(&mut window).unwrap();
    }
    drop((routine, loader));
    drop(stopped);
    let (resumed, records) = train(&config, &run("stopped"), true);
    assert_eq!(resumed.model, whole);
    assert_eq!(records.iter().map(|record| record.step).collect::<Vec<_>>(), [6]);
}

#[test]
fn data_without_faces_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    RgbImage::new(40, 40).save(folder.path().join("a.png")).unwrap();
    std::fs::write(folder.path().join("train.jsonl"), "{\"file\":\"../a.png\",\"faces\":[]}\n").unwrap();
    let mut run = RunFolder::open(&folder.path().join("run"), false).unwrap();
    let config = config(folder.path(), "schedule.steps = 1\n");
    let error = train_refiner(&config, &mut run, |_| {}).unwrap_err().to_string();
    assert_eq!(error, "there is no face to learn from");
}

#[test]
fn a_batch_has_its_shares_and_what_is_known_lies_where_it_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let labels = drawn::photos(folder.path(), "train", 4);
    crops(&folder.path().join("crops"), 3);
    let photos = Photos::open(&labels, 64).unwrap();
    let crops = Dataset::open(&folder.path().join("crops")).unwrap();
    let face = photos.faces(0)[0].bounds;
    let nowhere = BoundingBox { x: 100.0, y: 70.0, width: 15.0, height: 15.0 };
    let candidates = Candidates {
        faces: vec![candidates::Candidate { photo: 0, bounds: face, face: Some(0) }],
        others: vec![candidates::Candidate { photo: 0, bounds: nowhere, face: None }],
    };
    let still = RefinerSampleConfig { shift: 0.0, zoom: 0.0, turn: 0.0, coarse: 0.0, ..Default::default() };
    let sampling = Sampling { config: still, batch: 20, seed: 3 };
    let batch = sampling.batch(&photos, &candidates, Some(&crops), 0);
    assert_eq!(batch, sampling.batch(&photos, &candidates, Some(&crops), 0));
    assert_ne!(batch, sampling.batch(&photos, &candidates, Some(&crops), 1));
    let count = |of: fn(&sample::Truth) -> bool| batch.iter().filter(|sample| of(&sample.truth)).count();
    assert_eq!(count(|truth| matches!(truth, sample::Truth::Aligned { .. })), 7);
    assert_eq!(count(|truth| *truth == sample::Truth::Nothing), 5);
    for sample in &batch {
        match sample.truth {
            // A square face fills 1 / 1.2 of its look, and its eyes are on the left and on the right.
            sample::Truth::Face { bounds, landmarks: Some([left, right, ..]) } => {
                assert!((bounds.width - 64.0 / 1.2).abs() < 1e-3 && left.x < 32.0 && right.x > 32.0);
            }
            sample::Truth::Aligned { template: [left, right, ..] } => {
                assert!(left.x < 32.0 && right.x > 32.0 && left.y < 32.0, "{left:?}");
            }
            _ => assert_eq!(sample.truth, sample::Truth::Nothing),
        }
    }
    let without = sampling.batch(&photos, &candidates, None, 0);
    assert_eq!(without.len(), 20);
}
