use serde::Deserialize;

use super::*;

fn read(text: &str) -> Result<OptimiserConfig, toml::de::Error> {
    toml::from_str(text)
}

/// A step on the parameters `w.weight` and `w.bias`.
fn step(optimiser: &mut Optimiser, rate: f32, values: [&mut [f32]; 2], gradients: [&[f32]; 2]) {
    let [weight, bias] = values;
    let parameters = [("w.weight", weight, gradients[0]), ("w.bias", bias, gradients[1])];
    optimiser.step(rate, parameters.into_iter());
}

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimiser: OptimiserConfig,
    start: BTreeMap<String, Vec<f32>>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    rate: f32,
    gradients: BTreeMap<String, Vec<f32>>,
    values: BTreeMap<String, Vec<f64>>,
}

#[test]
fn every_optimiser_takes_the_steps_of_pytorch() {
    let text = include_str!("../../tests/fixtures/losses/optimisers.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert_eq!(fixture.cases.len(), 5);
    for Case { optimiser: config, start: mut values, steps } in fixture.cases {
        let mut optimiser = Optimiser::new(config);
        assert_eq!(steps.len(), 8);
        for (i, step) in steps.iter().enumerate() {
            let parameters = values.iter_mut().map(|(name, v)| (name.as_str(), v.as_mut_slice()));
            optimiser.step(step.rate, parameters.map(|(name, v)| (name, v, &step.gradients[name][..])));
            for (name, expected) in &step.values {
                for (found, expected) in values[name].iter().zip(expected) {
                    let apart = (f64::from(*found) - expected).abs();
                    assert!(apart < 1e-6, "{config:?}, step {i}, {name}: {found} against {expected}");
                }
            }
        }
        assert_eq!(optimiser.steps(), 8);
    }
}

#[test]
fn two_steps_of_adagrad_worked_by_hand() {
    let config = AdaGradConfig { initial_accumulator: 16.0, weight_decay: 0.5, clip_norm: None };
    let mut optimiser = Optimiser::new(OptimiserConfig::Adagrad(config));
    let (mut weight, mut bias) = ([2.0], [1.0, -1.0]);
    step(&mut optimiser, 0.1, [&mut weight, &mut bias], [&[2.0], &[3.0, 0.0]]);
    // 16 + 9 = 25: 1 - 0.1 · 3 / 5; no gradient and no decay of a bias leave the other where it is.
    assert_eq!(bias, [0.94, -1.0]);
    // Decay adds 0.5 · 2 to the gradient of the weight.
    assert_eq!(weight, [2.0 - 0.1 * 3.0 / 5.0]);
    step(&mut optimiser, 0.1, [&mut weight, &mut bias], [&[0.0], &[3.0, 0.0]]);
    assert!((bias[0] - (0.94 - 0.1 * 3.0 / 34.0f32.sqrt())).abs() < 1e-6);
    assert_eq!(optimiser.state()["adagrad.w.bias"], [34.0, 16.0]);
}

#[test]
fn the_first_step_of_adam_is_the_rate_whatever_the_gradient() {
    let mut optimiser =
        Optimiser::new(OptimiserConfig::Adam(AdamConfig { weight_decay: 0.5, ..Default::default() }));
    let (mut weight, mut bias) = ([1.0], [1.0, 1.0]);
    step(&mut optimiser, 0.1, [&mut weight, &mut bias], [&[-7.0], &[1e-3, -50.0]]);
    // Decay takes 0.1 · 0.5 of a weight, and nothing of a bias.
    assert!((weight[0] - 1.05).abs() < 1e-6);
    assert!((bias[0] - 0.9).abs() < 1e-5 && (bias[1] - 1.1).abs() < 1e-6);
    let names: Vec<&str> = optimiser.state().keys().map(String::as_str).collect();
    assert_eq!(names, ["adam.m.w.bias", "adam.m.w.weight", "adam.v.w.bias", "adam.v.w.weight"]);
}

#[test]
fn descent_without_momentum_remembers_nothing() {
    let mut optimiser =
        Optimiser::new(OptimiserConfig::Sgd(SgdConfig { momentum: 0.0, ..Default::default() }));
    let (mut weight, mut bias) = ([1.0], [1.0]);
    step(&mut optimiser, 0.5, [&mut weight, &mut bias], [&[1.0], &[-1.0]]);
    assert_eq!((weight, bias), ([0.5], [1.5]));
    assert!(optimiser.state().is_empty());
}

fn every_optimiser() -> [OptimiserConfig; 4] {
    [
        OptimiserConfig::default(),
        OptimiserConfig::Sgd(SgdConfig::default()),
        OptimiserConfig::Sgd(SgdConfig { nesterov: true, weight_decay: 0.1, ..Default::default() }),
        OptimiserConfig::Adam(AdamConfig { weight_decay: 0.1, ..Default::default() }),
    ]
}

#[test]
fn resuming_from_the_state_equals_going_on() {
    for config in every_optimiser() {
        let mut optimiser = Optimiser::new(config);
        let (mut weight, mut bias) = ([1.0, 2.0], [3.0]);
        for i in 0..3 {
            step(&mut optimiser, 0.1, [&mut weight, &mut bias], [&[i as f32, -1.0], &[0.5]]);
        }
        let mut resumed = Optimiser::with_state(config, optimiser.state().clone(), optimiser.steps());
        assert_eq!(resumed, optimiser);
        let (mut other_weight, mut other_bias) = (weight, bias);
        step(&mut optimiser, 0.1, [&mut weight, &mut bias], [&[0.3, -1.0], &[0.5]]);
        step(&mut resumed, 0.1, [&mut other_weight, &mut other_bias], [&[0.3, -1.0], &[0.5]]);
        assert_eq!((weight, bias), (other_weight, other_bias), "{config:?}");
        assert_eq!(resumed, optimiser);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let gradient: Vec<f32> = (0..100_000).map(|i| (i as f32 * 0.37).sin()).collect();
    for config in every_optimiser() {
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut optimiser, mut values) = (Optimiser::new(config), vec![0.5; gradient.len()]);
                for _ in 0..2 {
                    let parameters = [("w.weight", &mut values[..], &gradient[..])];
                    optimiser.step(0.1, parameters.into_iter());
                }
                (optimiser, values)
            })
        });
        assert!(one == three, "{config:?}");
    }
}

#[test]
fn gradients_are_scaled_together_to_the_norm_and_no_further() {
    let start = BTreeMap::from([("a".to_owned(), vec![3.0, 0.0]), ("b".to_owned(), vec![-4.0])]);
    let clipped = |max_norm| {
        let mut gradients = start.clone();
        let norm = clip(&mut gradients, max_norm);
        (norm, gradients)
    };
    let (norm, gradients) = clipped(2.5);
    assert_eq!(norm, 5.0);
    assert_eq!((&gradients["a"][..], &gradients["b"][..]), (&[1.5, 0.0][..], &[-2.0][..]));
    // Exactly at the limit, and below it.
    assert_eq!(clipped(5.0), (5.0, start.clone()));
    assert_eq!(clipped(6.0), (5.0, start.clone()));
    assert_eq!(clip(&mut BTreeMap::new(), 1.0), 0.0);

    let mut broken = start.clone();
    broken.insert("c".into(), vec![f32::INFINITY]);
    let before = broken.clone();
    assert_eq!((clip(&mut broken, 1.0), broken), (f32::INFINITY, before));
    // Squares of 32-bit floats would overflow.
    let mut large = BTreeMap::from([("a".to_owned(), vec![3e30, 4e30])]);
    assert!((clip(&mut large, 1.0) / 5e30 - 1.0).abs() < 1e-6);
    assert!((large["a"][0] - 0.6).abs() < 1e-6 && (large["a"][1] - 0.8).abs() < 1e-6);
}

#[test]
fn a_table_without_a_kind_is_adagrads() {
    assert_eq!(read("").unwrap(), OptimiserConfig::default());
    assert_eq!(
        read("initial_accumulator = 0.5\nclip_norm = 2").unwrap(),
        OptimiserConfig::Adagrad(AdaGradConfig {
            initial_accumulator: 0.5,
            weight_decay: 0.0,
            clip_norm: Some(2.0)
        })
    );
    for config in every_optimiser() {
        assert_eq!(read(&toml::to_string(&config).unwrap()).unwrap(), config);
        assert_eq!(config.check(), Ok(()));
    }
}

#[test]
fn keys_of_another_optimiser_and_unknown_ones_are_refused() {
    for (text, expected) in [
        (
            "momentum = 0.9",
            "unknown field `momentum`, expected one of `initial_accumulator`, `weight_decay`, `clip_norm`",
        ),
        ("kind = \"sgd\"\nbeta1 = 0.9", "unknown field `beta1`, expected one of `momentum`"),
        ("kind = \"adamw\"", "unknown optimiser `kind = \"adamw\"`, expected `adagrad`, `sgd` or `adam`"),
        ("kind = 3", "unknown optimiser `kind = 3`"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn settings_out_of_range_name_their_key() {
    for (text, expected) in [
        ("initial_accumulator = -1", "`initial_accumulator` is -1, but expected a number from 0"),
        ("weight_decay = 1", "`weight_decay` is 1, but expected a number from 0 below 1"),
        ("kind = \"adam\"\nclip_norm = 0", "`clip_norm` is 0, but expected a number above 0"),
        ("kind = \"adam\"\nbeta2 = 1", "`beta2` is 1, but expected a number from 0 below 1"),
        ("kind = \"adam\"\nepsilon = 0", "`epsilon` is 0, but expected a number above 0"),
        ("kind = \"sgd\"\nmomentum = nan", "`momentum` is NaN, but expected a number from 0 below 1"),
        (
            "kind = \"sgd\"\nmomentum = 0\nnesterov = true",
            "`nesterov` is true, but expected false where `momentum` is 0",
        ),
    ] {
        assert_eq!(read(text).unwrap().check().unwrap_err().to_string(), expected);
    }
}
