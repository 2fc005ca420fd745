use std::path::Path;

use facenet_eval::HeightRange;

use super::*;
use crate::DetectorConfig;
use crate::detector::drawn;
use crate::detector::routine::Window;
use crate::log::DetectorRecord;

fn config(data: &Path, more: &str) -> ValidDetectorConfig {
    let text = format!(
        "batch = 8\ndata.folder = {data:?}\nnetwork.edge_px = 96\noptimiser.kind = \"adam\"\n\
         averaging.decay = 0.9\n{more}"
    );
    toml::from_str::<DetectorConfig>(&text).unwrap().validate().unwrap()
}

/// No augmentation but the place of the photo: what is learnt is learnt by heart.
const STILL: &str = "scene = { mosaic = 0.0, whole = 1.0, flip = 0.0, turn = 0.0, turn_far = 0.0, brightness = 0.0, \
                     contrast = 0.0, saturation = 0.0, grey = 0.0, blur = 0.0, jpeg = 0.0 }\n";

fn train(config: &ValidDetectorConfig, run: &Path, resume: bool) -> (TrainedDetector, Vec<DetectorRecord>) {
    let mut records = Vec::new();
    let mut run = RunFolder::open(run, resume).unwrap();
    let trained = train_detector(config, &mut run, |event| {
        if let DetectorEvent::Logged(record) = event {
            records.push(record.clone());
        }
    });
    (trained.unwrap(), records)
}

#[test]
fn eight_drawn_photos_are_learnt_by_heart() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 8);
    drawn::photos(folder.path(), "val", 8);
    let more = "schedule = { steps = 160, learning_rate = 0.004, warm_up = 10, plateau = 0.5 }\n\
                run = { log_every = 10, validate_every = 1000 }\n";
    let config = config(folder.path(), &format!("{more}{STILL}"));
    let (trained, records) = train(&config, &folder.path().join("run"), false);
    let (first, last) = (&records[0], records.last().unwrap());
    assert!(last.loss < 0.15 * first.loss, "{first:?} to {last:?}");
    assert!(last.overlap > 0.85, "{last:?}");
    let report = trained.report.unwrap();
    let found = report.range(HeightRange::All);
    assert!(found.average_precision.unwrap() > 0.95, "{report}");
    assert!(found.landmarks.as_ref().unwrap().mean < 0.2);
}

#[test]
fn the_same_seed_gives_the_same_weights_and_so_does_a_run_that_was_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 5);
    let with = |seed: u64, steps: u64| {
        let schedule = "learning_rate = 0.002, shape = \"constant\"";
        let run = "run = { checkpoint_every = 3, log_every = 3 }";
        let text = format!("seed = {seed}\nschedule = {{ steps = {steps}, {schedule} }}\n{run}\n");
        config(folder.path(), &text)
    };
    let run = |name: &str| folder.path().join(name);
    let whole = train(&with(1, 6), &run("whole"), false).0.model;
    assert_eq!(train(&with(1, 6), &run("again"), false).0.model, whole);
    assert_ne!(train(&with(2, 6), &run("other"), false).0.model, whole);

    // Stopped after the checkpoint of step 3, as by a power cut in step 5.
    let mut stopped = RunFolder::open(&run("stopped"), false).unwrap();
    let config = with(1, 6);
    let mut show = |_: DetectorEvent| {};
    let mut trainer = start(&config, &mut stopped, &mut show).unwrap();
    let mut loader = trainer.loader().unwrap();
    let mut window = Window::default();
    for _ in 0..5 {
        let scenes = loader.next().unwrap();
        trainer.step(&scenes).unwrap();
        trainer.tell(&mut window).unwrap();
    }
    drop((trainer, loader));
    drop(stopped);
    let (resumed, records) = train(&config, &run("stopped"), true);
    assert_eq!(resumed.model, whole);
    assert_eq!(records.iter().map(|record| record.step).collect::<Vec<_>>(), [6]);
}

#[test]
fn a_run_may_begin_with_the_weights_of_another() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 3);
    let first = config(folder.path(), "schedule.steps = 2\n");
    let run = folder.path().join("first");
    let trained = train(&first, &run, false).0.model;
    let text = format!(
        "schedule = {{ steps = 1, learning_rate = 1e-9 }}\nnetwork.start = {:?}\n",
        run.join("model.safetensors")
    );
    let second = config(folder.path(), &text);
    let going_on = train(&second, &folder.path().join("second"), false).0.model;
    let weight = |model: &DetectorModel| model.weights().values("conv3.weight").to_vec();
    for (a, b) in weight(&trained).iter().zip(weight(&going_on)) {
        assert!((a - b).abs() < 1e-6, "{a} against {b}");
    }
}

#[test]
fn data_without_photos_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 0);
    let config = config(folder.path(), "schedule.steps = 1\n");
    let mut run = RunFolder::open(&folder.path().join("run"), false).unwrap();
    let error = train_detector(&config, &mut run, |_| {}).unwrap_err().to_string();
    assert!(error.ends_with("train.jsonl` tells of no photos to learn from"), "{error}");
}

#[test]
fn a_photo_that_cannot_be_read_is_told_once_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    drawn::photos(folder.path(), "train", 3);
    std::fs::write(folder.path().join("train/1.png"), "no image").unwrap();
    let config = config(folder.path(), "schedule.steps = 2\n");
    let mut run = RunFolder::open(&folder.path().join("run"), false).unwrap();
    let mut told = Vec::new();
    let trained = train_detector(&config, &mut run, |event| {
        if let DetectorEvent::Unreadable(unreadable) = event {
            told.push(unreadable.place.clone());
        }
    });
    assert_eq!(trained.unwrap().unreadable, 1);
    assert!(told.len() == 1 && told[0].ends_with("train/1.png"), "{told:?}");
}
