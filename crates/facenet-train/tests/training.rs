//! Whole runs on drawn faces.

use std::path::Path;

use facenet::FrozenNetwork;
use facenet_core::{Embedder, RgbImage};
use facenet_train::{
    Alone, Event, RunFolder, TrainConfig, TrainError, Trained, ValidConfig, train, train_together,
};
use rand::SeedableRng;

/// A folder of four people with two pictures each: a colour that is the person's, and a pattern that is not.
fn draw_people(folder: &Path) {
    for person in 0..4u8 {
        let home = folder.join(format!("person-{person}"));
        std::fs::create_dir_all(&home).unwrap();
        for picture in 0..2u8 {
            let colour = [60 * person, 200 - 50 * person, 40 + 90 * (person % 2)];
            let image = RgbImage::from_fn(64, 64, |x, y| {
                let stripe = ((x + y * u32::from(person + 1)) / 8 + u32::from(picture)) % 2;
                colour.map(|c| c + 40 * stripe as u8).into()
            });
            image.save(home.join(format!("{picture}.png"))).unwrap();
        }
    }
}

fn config(data: &Path, extra: &str) -> ValidConfig {
    let text = format!(
        "seed = 7\ndata.train = {data:?}\nbatch = {{ identities = 4, faces = 2, negatives = 0 }}\n{extra}"
    );
    toml::from_str::<TrainConfig>(&text).unwrap().validate().unwrap()
}

fn run(
    config: &ValidConfig,
    folder: &Path,
    resume: bool,
    show: impl FnMut(Event),
) -> Result<Trained, TrainError> {
    train(config, &mut RunFolder::open(folder, resume).unwrap(), show)
}

const SIX_STEPS: &str = "schedule = { steps = 6 }\nrun = { log_every = 1, checkpoint_every = 2, keep = 9 }\n";

#[test]
fn eight_images_are_learnt_to_almost_no_loss() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    // Without augmentation and with the hardest negatives, so that nothing is left to learn only when all is learnt.
    let config = config(
        &folder.path().join("faces"),
        "loss = { kind = \"triplet\", rule = \"hardest\" }\nschedule = { steps = 40 }\nrun = { log_every = 1 }\n\
         [augment]\nflip = 0.0\nscale = 0.0\nshift = 0.0\nbrightness = 0.0\ncontrast = 0.0\nsaturation = 0.0\n\
         grey = 0.0\nlow_resolution = 0.0\nblur = 0.0\nerase = 0.0\n",
    );
    let mut losses = Vec::new();
    run(&config, &folder.path().join("run"), false, |event| {
        if let Event::Logged(record) = event {
            losses.push((record.loss, record.active.unwrap()));
        }
    })
    .unwrap();
    assert_eq!(losses.len(), 40);
    assert!(losses[0].0 > 0.1, "random weights do not solve it: {:?}", losses[0]);
    assert!(losses[35..].iter().all(|(loss, active)| *loss < 1e-3 && *active == 0.0), "{losses:?}");
}

#[test]
fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let config = config(&folder.path().join("faces"), SIX_STEPS);
    let weights = |config: &ValidConfig, name: &str| {
        run(config, &folder.path().join(name), false, |_| {}).unwrap().model.contract().weights.clone()
    };
    let first = weights(&config, "first");
    // One thread instead of all: sums keep their order.
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(first, single.install(|| weights(&config, "second")));

    let mut other = config.settings().clone();
    other.seed = 8;
    assert_ne!(first, weights(&other.validate().unwrap(), "other"));
}

#[test]
fn a_run_that_was_cut_off_and_resumed_equals_one_that_was_not() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let config = config(&folder.path().join("faces"), SIX_STEPS);
    let whole = run(&config, &folder.path().join("whole"), false, |_| {}).unwrap();

    // What is left when a process dies between the checkpoints of steps 4 and 6.
    let cut = folder.path().join("cut");
    run(&config, &cut, false, |_| {}).unwrap();
    std::fs::remove_file(cut.join("checkpoints/step-000000006.safetensors")).unwrap();
    std::fs::remove_file(cut.join("model.safetensors")).unwrap();

    let mut started = None;
    let resumed = run(&config, &cut, true, |event| {
        if let Event::Starts { step, .. } = event {
            started = Some(step);
        }
    });
    assert_eq!(started, Some(4));
    assert_eq!(resumed.unwrap().model, whole.model);
    let steps = std::fs::read_to_string(cut.join("log.jsonl")).unwrap().lines().count();
    assert_eq!(steps, 6, "steps taken twice are logged once");
}

#[test]
fn a_run_folder_holds_what_repeats_the_run() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let config = config(&folder.path().join("faces"), SIX_STEPS);
    let home = folder.path().join("run");
    let first = run(&config, &home, false, |_| {}).unwrap();
    assert!(std::fs::read_to_string(home.join("curves.svg")).unwrap().starts_with("<svg"));

    let again = TrainConfig::load(&home.join("config.toml")).unwrap().validate().unwrap();
    let second = run(&again, &folder.path().join("again"), false, |_| {}).unwrap();
    assert_eq!(first.model, second.model);
    assert_eq!(facenet::Model::load(&home.join("model.safetensors")).unwrap(), first.model);
}

#[test]
fn an_unreadable_image_is_named_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let faces = folder.path().join("faces");
    draw_people(&faces);
    std::fs::write(faces.join("person-2/2.png"), "no picture").unwrap();
    let mut named = Vec::new();
    let config = config(&faces, "schedule = { steps = 9 }\n");
    let trained = run(&config, &folder.path().join("run"), false, |event| {
        if let Event::Unreadable(image) = event {
            named.push(image.place.clone());
        }
    })
    .unwrap();
    assert_eq!((named.len(), trained.unreadable), (1, 1));
    assert!(named[0].ends_with("person-2/2.png"), "{named:?}");
}

#[test]
fn an_embedding_that_collapses_is_recognised_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let faces = folder.path().join("faces");
    // Everybody looks the same: all faces lie in one point whatever the weights.
    for person in 0..4 {
        let home = faces.join(format!("person-{person}"));
        std::fs::create_dir_all(&home).unwrap();
        for picture in 0..2 {
            RgbImage::from_pixel(64, 64, [90, 90, 90].into())
                .save(home.join(format!("{picture}.png")))
                .unwrap();
        }
    }
    let config = config(
        &faces,
        "schedule = { steps = 9 }\nrun = { collapse_patience = 3 }\n[augment]\nbrightness = 0.0\ncontrast = 0.0\n\
         saturation = 0.0\nerase = 0.0\n",
    );
    let mut warned_at = None;
    let error = run(&config, &folder.path().join("run"), false, |event| {
        if let Event::Collapsed { step } = event {
            warned_at = Some(step);
        }
    })
    .unwrap_err();
    assert_eq!(warned_at, Some(1));
    assert!(error.to_string().starts_with("the embedding has collapsed: for 3 steps"), "{error}");
}

/// Everything that a run can have between two steps: a loss with weights of its own and then triplets, an optimiser with
/// two moments, averaged weights, dropout, normalisation in groups, offline triplets, and suspected labels.
const ALL_AT_ONCE: &str = "network = { name = \"lite\", dropout = 0.2, norm_group = 4 }\n\
     loss = { kind = \"cosface\" }\nstages = [{ from = 5, loss = { kind = \"triplet\", rule = \"hardest\" } }]\n\
     optimiser = { kind = \"adam\", clip_norm = 1.0 }\naveraging = { decay = 0.9 }\n\
     offline = { every = 3, share = 0.6, batch = 4, triplets = { margin = 4.0, rule = \"hardest\" } }\n\
     suspects = { every = 3, twin = 4.0, drop = false }\n\
     schedule = { steps = 8, learning_rate = 0.001, shape = \"linear\" }\n\
     run = { log_every = 1, checkpoint_every = 4, keep = 9 }\n";

#[test]
fn a_resumed_run_equals_one_that_was_not_with_everything_switched_on() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let config = config(&folder.path().join("faces"), ALL_AT_ONCE);
    let home = folder.path().join("whole");
    let (mut mined, mut suspected) = (0, 0);
    let whole = run(&config, &home, false, |event| match event {
        Event::MinedOffline { triplets, .. } => mined += triplets,
        Event::Suspected { images, .. } => suspected = images,
        _ => {}
    })
    .unwrap();
    assert!(mined > 0 && suspected > 0, "{mined} triplets, {suspected} suspects");
    let sheet = std::fs::read_to_string(home.join("suspects.html")).unwrap();
    assert!(home.join("suspects.json").exists());
    assert!(sheet.contains("person-2/0.png"));
    assert!(std::fs::read_to_string(home.join("index.html")).unwrap().contains("cosface"));

    std::fs::remove_file(home.join("checkpoints/step-000000008.safetensors")).unwrap();
    let resumed = run(&config, &home, true, |_| {}).unwrap();
    assert_eq!(resumed.model, whole.model);
}

#[test]
fn a_memory_limit_changes_how_a_batch_goes_through_but_not_a_bit_of_the_weights() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let with = |extra: &str| {
        config(
            &folder.path().join("faces"),
            &format!(
                "network = {{ name = \"lite\", norm_group = 2 }}\nschedule = {{ steps = 3 }}\nrun = {{ log_every = 1{extra} }}\n"
            ),
        )
    };
    let trained = |config: &ValidConfig, name: &str| run(config, &folder.path().join(name), false, |_| {});
    let free = trained(&with(""), "free").unwrap();
    let tight = trained(&with(", memory_mib = 60"), "tight").unwrap();
    assert_eq!(free.model, tight.model);

    let error = trained(&with(", memory_mib = 10"), "too tight").unwrap_err().to_string();
    assert!(error.starts_with("a step over 2 faces at a time takes about "), "{error}");
    assert!(error.contains("hint: raise `run.memory_mib`"), "{error}");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_names_the_batch_and_keeps_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let config = config(
        &folder.path().join("faces"),
        "schedule = { steps = 9, learning_rate = 1e38, shape = \"constant\" }\nrun = { checkpoint_every = 1, keep = 9 }\n\
         optimiser = { kind = \"sgd\" }\n",
    );
    let home = folder.path().join("run");
    let error = run(&config, &home, false, |_| {}).unwrap_err();
    let TrainError::NotANumber { step, faces } = &error else { panic!("{error}") };
    assert!(*step < 9 && !faces.is_empty(), "{error}");
    assert!(error.to_string().contains("hint: lower `schedule.learning_rate`"), "{error}");
    let page = std::fs::read_to_string(home.join("index.html")).unwrap();
    assert!(page.contains("is not a number"), "the page says why it stopped");
}

#[test]
fn more_faces_of_each_person_than_anybody_has_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let mut settings = config(&folder.path().join("faces"), SIX_STEPS).settings().clone();
    settings.batch.faces = 3;
    let error = run(&settings.validate().unwrap(), &folder.path().join("run"), false, |_| {}).unwrap_err();
    let text = std::error::Error::source(&error).unwrap().to_string();
    assert!(text.starts_with("3 faces of each person were asked for, but nobody has more than 2"), "{text}");
}

#[test]
fn a_run_starts_from_the_tensors_of_another_model_that_fit() {
    let folder = tempfile::tempdir().unwrap();
    draw_people(&folder.path().join("faces"));
    let old =
        run(&config(&folder.path().join("faces"), SIX_STEPS), &folder.path().join("old"), false, |_| {});
    let old = old.unwrap().model;
    let path = folder.path().join("old/model.safetensors");
    let from = |network: &str, start: &str| {
        let extra = format!(
            "schedule = {{ steps = 1, learning_rate = 1e-12 }}\nnetwork = {{ {network} }}\n\
             [start]\nmodel = {path:?}\n{start}\n"
        );
        let config = config(&folder.path().join("faces"), &extra);
        let run =
            run(&config, &tempfile::tempdir_in(folder.path()).unwrap().path().join("run"), false, |_| {});
        run.map(|trained| trained.model)
    };
    let same = |new: &facenet::Model, name: &str| {
        let [old, new] = [&old, new].map(|model| model.weights().values(name).to_vec());
        old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| (old - new).abs() < 1e-6)
    };
    let all = from("dimension = 128", "").unwrap();
    assert!(same(&all, "conv1.weight") && same(&all, "embedding.weight"));
    let redrawn = from("dimension = 128", "redraw_embedding = true").unwrap();
    assert!(same(&redrawn, "conv1.weight") && !same(&redrawn, "embedding.weight"));
    let narrow = from("dimension = 64", "").unwrap();
    assert!(same(&narrow, "conv1.weight") && narrow.contract().dimension == 64);

    let error = from("name = \"nns2\"", "").unwrap_err().to_string();
    assert!(
        error.starts_with("`start.model` is a `lite`, which has no weights in common with `nns2`"),
        "{error}"
    );
}

/// Trains an older model, and gives the settings of a newer one that is to be harmonic to it.
fn older_and_newer(folder: &Path, embedding_steps: u64, tie: &str) -> (facenet::Model, ValidConfig) {
    draw_people(&folder.join("faces"));
    let old = config(&folder.join("faces"), "schedule = { steps = 12 }\n");
    let old = run(&old, &folder.join("old"), false, |_| {}).unwrap().model;
    let path = folder.join("old/model.safetensors");
    let extra = format!(
        "{SIX_STEPS}[start]\nmodel = {path:?}\nredraw_embedding = true\nembedding_steps = {embedding_steps}\n\
         [harmonic]\nto = {path:?}\n{tie}"
    );
    (old, config(&folder.join("faces"), &extra))
}

fn run_harmonic(
    config: &ValidConfig,
    old: Option<&facenet::Model>,
    folder: &Path,
    resume: bool,
) -> Result<Trained, TrainError> {
    let old = old.map(FrozenNetwork::new);
    let old = old.as_ref().map(|old| old as &dyn Embedder);
    train_together(config, old, Some(&mut RunFolder::open(folder, resume)?), &Alone, |_| {})
}

#[test]
fn first_the_embedding_layer_alone_learns_to_be_harmonic_then_all() {
    let folder = tempfile::tempdir().unwrap();
    let (old, config) = older_and_newer(folder.path(), 6, "regression = 1.0\ninfluence = 0.1\n");
    let staged = run_harmonic(&config, Some(&old), &folder.path().join("staged"), false).unwrap().model;
    let learnt = |name: &str| !name.contains(".norm.mean") && !name.contains(".norm.variance");
    for (name, tensor) in staged.weights().tensors().iter().filter(|(name, _)| learnt(name)) {
        let before = &old.weights().tensors()[name];
        assert_eq!(tensor != before, name.starts_with("embedding."), "{name}");
    }
    assert_eq!(staged.contract().harmonic[0].to, old.contract().id());

    let mut settings = config.settings().clone();
    settings.start.as_mut().unwrap().embedding_steps = 3;
    let whole =
        run_harmonic(&settings.validate().unwrap(), Some(&old), &folder.path().join("whole"), false).unwrap();
    assert_ne!(whole.model.weights().values("conv1.weight"), old.weights().values("conv1.weight"));
}

#[test]
fn a_harmonic_run_resumes_to_the_same_weights_and_refuses_other_old_models_and_images() {
    let folder = tempfile::tempdir().unwrap();
    let (old, config) = older_and_newer(folder.path(), 2, "");
    let whole = run_harmonic(&config, Some(&old), &folder.path().join("whole"), false).unwrap();
    let cut = folder.path().join("cut");
    run_harmonic(&config, Some(&old), &cut, false).unwrap();
    let cut_off = || {
        std::fs::remove_file(cut.join("checkpoints/step-000000006.safetensors")).unwrap();
    };
    cut_off();
    assert_eq!(run_harmonic(&config, Some(&old), &cut, true).unwrap().model, whole.model);
    assert!(cut.join("old-embeddings.safetensors").exists());

    let refusal =
        |old: Option<&facenet::Model>| run_harmonic(&config, old, &cut, true).unwrap_err().to_string();
    assert!(refusal(Some(&old.clone().halved())).contains("are of `lite-128-"));
    assert!(refusal(None).contains("no older model was given"));
    let narrow = facenet::Model::new(
        "lite",
        64,
        config.preprocessing(),
        Vec::new(),
        facenet_train::TrainNetwork::new(
            facenet::network::Graph::of(&facenet::network::table("lite").unwrap(), 64),
            &mut rand_chacha::ChaCha8Rng::seed_from_u64(1),
        )
        .weights()
        .unwrap(),
    );
    assert!(refusal(Some(&narrow)).contains("have 64 coordinates, but `network.dimension` is 128"));

    // Another picture of the same name and size in bytes.
    let image = folder.path().join("faces/person-0/0.png");
    let mut bytes = std::fs::read(&image).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&image, bytes).unwrap();
    assert!(refusal(Some(&old)).contains("the training images have changed"));

    std::fs::write(cut.join("old-embeddings.safetensors"), "cut off").unwrap();
    assert!(refusal(Some(&old)).contains("or it is damaged"));
}
