//! `facenet verify`.

use crate::drawn::model;
use crate::scene::{FILTERS, Scene};

fn scene() -> Scene {
    Scene::with_faces(&[("ada-1.png", 1, 0), ("ada-2.png", 1, 0), ("bob.png", 2, 0)])
}

#[test]
fn the_same_person_is_zero_and_another_is_one() {
    let same = scene().run(&["verify", "ada-1.png", "ada-2.png"]).ended(0);
    assert_eq!(same.stderr, "");
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(same.stdout, @r"
        same person
        distance   [number]  (0 the same face, 4 the opposite)
        cosine     [number]
        threshold  [number] (false accept rate 1 % on drawn pairs)
        model      [model]
        ");
    });
    let different = scene().run(&["verify", "ada-1.png", "bob.png"]).ended(1);
    assert!(different.stdout.starts_with("different people\n"), "{}", different.stdout);
}

#[test]
fn the_keys_of_the_json_are_stable() {
    let run = scene().run(&["verify", "ada-1.png", "bob.png", "--json"]).ended(1);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(
            run.stdout,
            @r#"{"same":false,"distance":[number],"cosine":[number],"probability":null,"threshold":{"distance":[number],"false_accept_rate":[number],"data":"drawn pairs"},"model":"[model]","left":{"path":"ada-1.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]}},"right":{"path":"bob.png","face":{"box":{"x":[number],"y":[number],"width":[number],"height":[number]},"score":[number]}}}"#
        );
    });
}

#[test]
fn the_json_says_the_same_as_the_exit_code() {
    let run = scene().run(&["verify", "ada-1.png", "ada-2.png", "--json"]).ended(0);
    let verdict = run.json();
    assert_eq!(
        (&verdict["same"], &verdict["distance"], &verdict["cosine"]),
        (&true.into(), &0.0.into(), &1.0.into())
    );
}

#[test]
fn a_threshold_by_hand_decides_alone_and_counts_itself_in() {
    let scene = scene();
    let distance =
        scene.run(&["verify", "ada-1.png", "bob.png", "--json"]).ended(1).json()["distance"].clone();
    let distance = distance.as_f64().unwrap() as f32;
    let at = |threshold: f32| {
        scene.run(&["verify", "ada-1.png", "bob.png", "--json", "--threshold", &threshold.to_string()])
    };
    let exactly = at(distance).ended(0).json();
    assert_eq!(
        (&exactly["threshold"]["false_accept_rate"], &exactly["threshold"]["data"]),
        (&().into(), &().into())
    );
    at(distance.next_down()).ended(1);
}

#[test]
fn a_stricter_rate_takes_a_stricter_threshold() {
    let scene = scene();
    let rate = |far: &str| {
        let run = scene.run(&["verify", "ada-1.png", "ada-2.png", "--json", "--far", far]).ended(0);
        run.json()["threshold"]["false_accept_rate"].as_f64().unwrap()
    };
    assert_eq!((rate("0.5"), rate("1e-2"), rate("0.009"), rate("1e-3")), (1e-2, 1e-2, 1e-3, 1e-3));
}

#[test]
fn a_rate_that_the_model_cannot_promise_is_an_error_with_a_hint() {
    let run = scene().run(&["verify", "ada-1.png", "ada-2.png", "--far", "1e-6"]).ended(2);
    insta::with_settings!({filters => [FILTERS[1]]}, {
        insta::assert_snapshot!(run.stderr, @r"
        error: the model `[model]` has no threshold for a false accept rate of 0.000001: its strictest is calibrated to 0.001

        hint: pass `--far 0.001`, or choose a distance with `--threshold`
        ");
    });
}

#[test]
fn a_model_without_thresholds_needs_one() {
    let scene = scene();
    model().save(&scene.at("bare.safetensors")).unwrap();
    let args = ["verify", "ada-1.png", "ada-2.png", "--model", "bare.safetensors"];
    let run = scene.run_plain(&args).ended(2);
    insta::with_settings!({filters => [FILTERS[1]]}, {
        insta::assert_snapshot!(run.stderr, @r"
        error: the model `[model]` has no calibrated thresholds

        hint: choose a squared distance from 0 to 4 yourself, for example `--threshold 1.1`
        ");
    });
    scene.run_plain(&[&args[..], &["--threshold", "0"]].concat()).ended(0);
}

#[test]
fn arguments_out_of_range_are_refused() {
    let scene = scene();
    for (option, value) in [("--far", "0"), ("--far", "2"), ("--threshold", "4.1"), ("--threshold", "NaN")] {
        let run = scene.run(&["verify", "ada-1.png", "bob.png", option, value]).ended(2);
        assert!(run.stderr.contains(&format!("invalid value '{value}' for '{option}")), "{}", run.stderr);
    }
    let both = scene.run(&["verify", "ada-1.png", "bob.png", "--far", "0.1", "--threshold", "1"]).ended(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn an_image_that_cannot_be_used_is_an_error_that_names_it() {
    let run = scene().run(&["verify", "ada-1.png", "gone.png"]).ended(2);
    insta::assert_snapshot!(run.stderr, @r"
    error: cannot use the image `gone.png`
      cause: the file cannot be read
      cause: No such file or directory (os error 2)
    ");
    assert_eq!(run.stdout, "");
}
