//! `facenet gallery`.

use crate::drawn::model_file;
use crate::scene::{FILTERS, Run, Scene};

/// Two people in folders, and a heap.
fn scene() -> Scene {
    Scene::with_faces(&[
        ("people/Ada/1.png", 1, 0),
        ("people/Ada/2.png", 1, 9),
        ("people/Bob/1.png", 2, 0),
        ("heap/a.png", 1, 4),
        ("heap/b.png", 3, 0),
        ("heap/c.png", 3, 1),
        ("stranger.png", 7, 0),
    ])
}

/// Runs `facenet gallery` with the drawn model; drawn faces are in the middle.
fn gallery(scene: &Scene, args: &[&str]) -> Run {
    let model = ["--model", model_file().to_str().unwrap()];
    let options: &[&str] = match args[0] {
        "create" => &model,
        "add" | "search" => &[&model[..], &["--crop", "center"]].concat(),
        _ => &[],
    };
    scene.run_plain(&[&["gallery"], args, options].concat())
}

/// A gallery with Ada and Bob, and the heap that is nobody's.
fn filled() -> Scene {
    let scene = scene();
    gallery(&scene, &["create", "g", "--crops"]).ended(0);
    gallery(&scene, &["add", "g", "people", "--folders"]).ended(0);
    gallery(&scene, &["add", "g", "heap"]).ended(0);
    scene
}

#[test]
fn photos_are_added_once_and_people_by_their_folders() {
    let scene = scene();
    gallery(&scene, &["create", "g"]).ended(0);
    let run = gallery(&scene, &["add", "g", "people", "--folders", "--json"]).ended(0);
    assert_eq!(run.stdout, "{\"photos\":3,\"faces\":3,\"known\":0,\"failed\":0}\n");
    // Another name of a known photo, and one that is no image.
    scene.file("people/Ada/3.png", fs_err::read(scene.at("people/Bob/1.png")).unwrap());
    scene.file("people/Ada/4.png", "a letter");
    let run = gallery(&scene, &["add", "g", "people", "heap", "--json"]).ended(2);
    assert_eq!(run.stdout, "{\"photos\":3,\"faces\":3,\"known\":4,\"failed\":1}\n");
    insta::assert_snapshot!(run.stderr, @r"
    facenet: people/Ada/4.png: not an image, but text
    facenet: added 3 photos with 3 faces; 4 were there already
    ");
    let run = gallery(&scene, &["list", "g"]).ended(0);
    assert_eq!(run.stdout, "person:1\tAda\t2 faces\nperson:2\tBob\t1 face\n");
    assert_eq!(run.stderr, "facenet: 6 faces of 2 people in 6 photos; 3 are nobody's yet\n");
}

#[test]
fn a_person_is_found_and_a_stranger_is_nobody() {
    let scene = filled();
    let run = gallery(&scene, &["search", "g", "heap/a.png", "stranger.png", "-k", "1"]).ended(1);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "heap/a.png: Ada");
    assert!(lines[1].contains(" within  Ada  ") && lines[1].ends_with("/people/Ada/1.png"), "{}", lines[1]);
    assert_eq!(lines[2], "stranger.png: nobody");
    let same = scene.run(&["identify", "heap/a.png", "stranger.png", "--gallery", "g", "-k", "1"]).ended(1);
    assert_eq!((same.stdout, same.stderr), (run.stdout, run.stderr));

    gallery(&scene, &["tag", "g", "Bob", "cousin"]).ended(0);
    let run = gallery(&scene, &["search", "g", "heap/a.png", "--tag", "cousin"]).ended(1);
    assert!(run.stdout.starts_with("heap/a.png: nobody\n  1. ") && run.stdout.contains(" beyond  Bob  "));
    let run = gallery(&scene, &["search", "g", "heap/a.png", "--tag", "enemy"]).ended(2);
    assert_eq!(run.stderr, "error: the gallery `g` holds no face that can be used\n");
}

#[test]
fn searches_go_through_an_index_and_past_one_that_cannot_be_used() {
    let scene = filled();
    let search = ["search", "g", "heap/a.png", "stranger.png", "-k", "2"];
    let by_scan = gallery(&scene, &search).ended(1);
    let run = gallery(&scene, &["index", "g", "--json"]).ended(0);
    let done: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&done["faces"], &done["kind"], &done["recall"]), (&6.into(), &"exact".into(), &().into()));
    assert!(run.stderr.starts_with("facenet: g.index: 6 faces in "), "{}", run.stderr);
    let by_index = gallery(&scene, &search).ended(1);
    assert_eq!((by_index.stdout, by_index.stderr), (by_scan.stdout.clone(), by_scan.stderr));
    let run = gallery(&scene, &["check", "g"]).ended(0);
    assert_eq!(run.stderr, "facenet: g: sound\nfacenet: g.index: 6 of 6 faces\n");

    fs_err::write(scene.at("g.index"), "a letter").unwrap();
    let run = gallery(&scene, &search).ended(1);
    assert_eq!(run.stdout, by_scan.stdout);
    insta::assert_snapshot!(run.stderr, @r"
    facenet: every face of `g` is compared: the index `g.index` is damaged: it does not begin as an index of version 1
    hint: `facenet gallery index g` makes searches fast
    facenet: the threshold is 0.100 (false accept rate 0.1 % on drawn pairs)
    ");
    let run = gallery(&scene, &["check", "g"]).ended(0);
    assert!(run.stderr.contains("is damaged"), "{}", run.stderr);
    gallery(&scene, &["index", "g"]).ended(0);
    gallery(&scene, &["remove", "g", "Bob"]).ended(0);
    assert!(!scene.at("g.index").exists());
}

#[test]
fn a_person_can_be_as_near_as_the_mean_of_the_faces() {
    let scene = filled();
    let distance = |template| {
        let args = ["search", "g", "heap/a.png", "-k", "1", "--json", "--template", template];
        let run = gallery(&scene, &args).ended(0);
        let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(answer["nearest"][0]["person"], "Ada");
        answer["nearest"][0]["distance"].as_f64().unwrap()
    };
    let [best, mean, all] = ["best", "mean", "all"].map(distance);
    assert!(best < all && mean < all, "{best} {mean} {all}");
    let run = gallery(&scene, &["search", "g", "heap/a.png", "--template", "worst"]).ended(2);
    assert!(run.stderr.contains("expected one of best, mean, all"), "{}", run.stderr);
}

#[test]
fn clustering_names_what_it_can_and_the_user_has_the_last_word() {
    let scene = filled();
    let run = gallery(&scene, &["cluster", "g", "--far", "1e-2", "--json"]).ended(0);
    assert_eq!(
        run.stdout,
        "{\"faces\":6,\"new_faces\":3,\"people\":3,\"new_people\":1,\"alone\":0,\"questions\":0}\n"
    );
    let whose = |face: &str| -> String {
        let run = gallery(&scene, &["show", "g", face, "--json"]).ended(0);
        run.json()["name"].as_str().map_or("".into(), str::to_owned)
    };
    assert_eq!(whose("face:4"), "Ada", "the photo of the heap");
    gallery(&scene, &["rename", "g", "person:3", "Cyd"]).ended(0);
    assert_eq!((whose("face:5"), whose("face:6")), ("Cyd".into(), "Cyd".into()));

    gallery(&scene, &["correct", "g", "face:1", "different", "face:4"]).ended(0);
    assert_eq!(whose("face:4"), "");
    gallery(&scene, &["cluster", "g", "--far", "1e-2"]).ended(0);
    assert_eq!(whose("face:4"), "", "it binds");
    let run = gallery(&scene, &["cluster", "g", "--far", "1e-2", "--new"]).ended(0);
    assert!(
        run.stderr
            .contains("1 face of nobody, with 2 of people near them: 1 person, 0 of them new, 1 alone;"),
        "{}",
        run.stderr
    );
    gallery(&scene, &["correct", "g", "--undo"]).ended(0);
    let run = gallery(&scene, &["cluster", "g", "--far", "1e-2", "--new"]).ended(0);
    assert_eq!(run.stderr, "facenet: no face came since the last time: nothing was changed\n");
    gallery(&scene, &["correct", "g", "face:1", "different", "face:4"]).ended(0);
    let run = gallery(&scene, &["cluster", "g", "--new", "--linkage", "ward"]).ended(2);
    assert_eq!(run.stderr, "error: `--new` is for `--linkage average`, found `--linkage ward`\n");
    gallery(&scene, &["correct", "g", "--undo"]).ended(0);
    assert_eq!(whose("face:4"), "Ada");
    assert_eq!(
        gallery(&scene, &["correct", "g", "--undo"]).ended(2).stderr,
        "error: there is no word to take back\n"
    );

    gallery(&scene, &["split", "g", "face:4", "--name", "Dan"]).ended(0);
    gallery(&scene, &["merge", "g", "Dan", "Bob"]).ended(0);
    assert_eq!(whose("face:4"), "Bob");
    gallery(&scene, &["cluster", "g", "--far", "1e-2"]).ended(0);
    assert_eq!(whose("face:4"), "Bob");
    let run = gallery(&scene, &["show", "g", "heap/b.png", "--crops", "faces"]).ended(0);
    assert!(run.stdout.starts_with("face:5\tphoto:5\tCyd, by clustering\tquality "), "{}", run.stdout);
    assert_eq!(scene.names("faces"), ["face-5.jpg"]);
    gallery(&scene, &["show", "g"]).ended(1); // nobody's yet
}

#[test]
fn what_is_removed_is_in_no_file_and_that_is_proven() {
    let scene = scene();
    for name in ["1.png", "2.png"] {
        let file = std::fs::File::options().append(true).open(scene.at("people/Ada").join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(100)).unwrap();
    }
    gallery(&scene, &["create", "g"]).ended(0);
    gallery(&scene, &["add", "g", "people", "--folders", "--cache", "kept"]).ended(0);
    scene.file("g.index", "an index");
    let holds = |text: &str| {
        let cached =
            scene.names("kept").iter().any(|name| scene.text(&format!("kept/{name}")).contains(text));
        let bytes = fs_err::read(scene.at("g")).unwrap();
        (cached, bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    assert_eq!(holds("people/Ada/1.png"), (true, true));
    assert_eq!(
        gallery(&scene, &["check", "g", "--gone", "person:1"]).ended(1).stdout,
        "person:1\tstill there\n"
    );

    let plan = gallery(&scene, &["remove", "g", "Ada", "--cache", "kept", "--dry-run"]).ended(0);
    assert_eq!(plan.stderr, "facenet: 1 person, 2 photos and 2 faces would be deleted; nothing was\n");
    assert_eq!(holds("people/Ada/1.png"), (true, true));
    let done = gallery(&scene, &["remove", "g", "Ada", "--cache", "kept", "--json"]).ended(0).json();
    assert_eq!(done["faces"], serde_json::json!([1, 2]));
    assert_eq!((&done["found_after"], &done["cache_lines"]), (&0.into(), &4.into()));
    assert!(done["found_before"].as_u64().unwrap() > 60);
    assert_eq!((holds("people/Ada/1.png"), holds("people/Bob/1.png").1), ((false, false), true));
    assert!(!scene.at("g.index").exists());

    let gone = ["check", "g", "--gone", "person:1", "--gone", "photo:2", "--gone", "face:1"];
    assert_eq!(gallery(&scene, &gone).ended(0).stdout, "person:1\tgone\nphoto:2\tgone\nface:1\tgone\n");
    assert_eq!(gallery(&scene, &["check", "g"]).ended(0).stderr, "facenet: g: sound\n");
    gallery(&scene, &["search", "g", "people/Ada/1.png"]).ended(1);
    assert!(
        gallery(&scene, &["remove", "g", "Ada"])
            .ended(2)
            .stderr
            .contains("neither a person nor a photo `Ada`")
    );
}

#[test]
fn old_photos_are_forgotten_and_young_ones_are_not() {
    let scene = filled();
    let run = gallery(&scene, &["forget", "g", "--older-than", "1h"]).ended(0);
    assert_eq!(run.stderr, "facenet: nothing is that old; nothing was deleted\n");
    let old = fs_err::read_to_string({
        gallery(&scene, &["export", "g", "-o", "e.jsonl"]).ended(0);
        scene.at("e.jsonl")
    })
    .unwrap();
    // The first three photos are Ada's and Bob's: as if added a day before.
    let mut lines: Vec<serde_json::Value> =
        old.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        if let Some(photo) = line.get_mut("photo").filter(|photo| photo["id"].as_i64() < Some(4)) {
            photo["added"] = (photo["added"].as_i64().unwrap() - 86_400).into();
        }
    }
    scene.file("old.jsonl", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    gallery(&scene, &["import", "old.jsonl", "old"]).ended(0);
    let run = gallery(&scene, &["forget", "old", "--older-than", "23h", "--dry-run"]).ended(0);
    assert_eq!(run.stderr, "facenet: 2 people, 3 photos and 3 faces would be deleted; nothing was\n");
    gallery(&scene, &["forget", "old", "--older-than", "23h"]).ended(0);
    let run = gallery(&scene, &["list", "old"]).ended(0);
    assert_eq!(run.stderr, "facenet: 3 faces of 0 people in 3 photos; 3 are nobody's yet\n");
}

#[test]
fn an_export_makes_the_same_gallery_again_and_a_cut_one_makes_none() {
    let scene = filled();
    gallery(&scene, &["cluster", "g", "--far", "1e-2"]).ended(0);
    let lines = gallery(&scene, &["export", "g"]).ended(0).stdout;
    scene.file("e.jsonl", &lines);
    gallery(&scene, &["import", "e.jsonl", "copy"]).ended(0);
    assert_eq!(gallery(&scene, &["export", "copy"]).ended(0).stdout, lines);
    let run = gallery(&scene, &["import", "e.jsonl", "copy"]).ended(2);
    assert_eq!(run.stderr, "error: `copy` exists already, and is not replaced\n");

    let before = scene.names(".").len();
    scene.file("e.jsonl", &lines[..lines.len() - 20]);
    let run = gallery(&scene, &["import", "e.jsonl", "cut"]).ended(2);
    assert!(run.stderr.starts_with("error: cannot import `e.jsonl`\n  cause: "), "{}", run.stderr);
    assert_eq!(scene.names(".").len(), before, "nothing is left of it");
}

#[test]
fn what_cannot_be_used_is_told_with_what_to_do() {
    let scene = filled();
    let stderr = |args: &[&str]| gallery(&scene, args).ended(2).stderr;
    insta::assert_snapshot!(stderr(&["list", "nowhere"]), @r"
    error: there is no gallery `nowhere`

    hint: `facenet gallery create nowhere` makes one
    ");
    insta::assert_snapshot!(stderr(&["list", "stranger.png"]), @"error: `stranger.png` is no gallery of faces: it is no database, is encrypted (its key goes into FACENET_GALLERY_KEY), or its first bytes are damaged");
    insta::assert_snapshot!(stderr(&["create", "g"]), @"error: `g` exists already, and is not replaced");
    insta::assert_snapshot!(stderr(&["rename", "g", "Ada", "Bob"]), @r"
    error: the gallery `g` has a person named `Bob` already

    hint: if they are one, `facenet gallery merge` makes them one
    ");
    insta::assert_snapshot!(stderr(&["rename", "g", "Xaver", "Bob"]), @r"
    error: the gallery `g` knows nobody called `Xaver`

    hint: `facenet gallery list g` shows whom it knows
    ");
    insta::assert_snapshot!(stderr(&["split", "g", "face:99"]), @"error: the gallery `g` has no face:99");
    let other = scene.run_plain(&["gallery", "add", "g", "heap", "--crop", "center"]).ended(2);
    insta::with_settings!({filters => FILTERS}, {
        insta::assert_snapshot!(other.stderr, @r"
        error: the gallery `g` was made with another model
          cause: embeddings of `[model]` and `[model]` cannot be compared: they come from different models
        ");
    });

    let mut permissions = fs_err::metadata(scene.at("g")).unwrap().permissions();
    permissions.set_readonly(true);
    fs_err::set_permissions(scene.at("g"), permissions).unwrap();
    insta::assert_snapshot!(stderr(&["add", "g", "heap"]), @"error: the gallery `g` is read-only, so it cannot be changed");
    insta::assert_snapshot!(stderr(&["remove", "g", "Ada"]), @"error: the gallery `g` is read-only, so it cannot be changed");
    gallery(&scene, &["search", "g", "people/Ada/1.png"]).ended(0);
}

#[test]
fn a_migrated_gallery_is_the_same_and_one_that_went_on_is_left_alone() {
    let scene = filled();
    let run = gallery(&scene, &["migrate", "g", "there", "--json"]).ended(0);
    let done = run.json();
    // The first event of both may be of the same second.
    let number = |what: &str| done[what].as_u64().unwrap();
    assert_eq!(number("written") + number("kept"), 2 + 6 + 6 + 3, "people, photos, faces, events: {done}");
    assert_eq!((number("probes"), number("same_nearest"), &done["recall"]), (3, 3, &1.0.into()));
    let [source, target] = ["g", "there"].map(|place| gallery(&scene, &["export", place]).ended(0).stdout);
    assert_eq!(source, target);
    let again = gallery(&scene, &["migrate", "g", "there", "--json"]).ended(0).json();
    assert_eq!((&again["written"], &again["kept"]), (&0.into(), &17.into()));

    gallery(&scene, &["remove", "there", "Ada", "--cache", "off"]).ended(0);
    let before = gallery(&scene, &["export", "there"]).ended(0).stdout;
    let run = gallery(&scene, &["migrate", "g", "there"]).ended(2);
    assert!(run.stderr.contains("was changed by itself (event 4, `remove`)"), "{}", run.stderr);
    assert_eq!(gallery(&scene, &["export", "there"]).ended(0).stdout, before, "nobody comes back");
}

#[test]
fn an_address_is_told_from_a_path_and_its_password_is_never_shown() {
    let scene = scene();
    // Nothing listens on this port: it is reserved.
    let address = "postgres://ada:s3cret@127.0.0.1:1/people?gallery=family";
    for args in [&["list", address][..], &["migrate", "g", address], &["create", address]] {
        gallery(&scene, &["create", "g"]);
        let run = gallery(&scene, args).ended(2);
        assert!(!run.stderr.contains("s3cret") && run.stdout.is_empty(), "{}", run.stderr);
        let place = "`postgres://ada@127.0.0.1:1/people?gallery=family`";
        assert!(run.stderr.contains(place), "{}", run.stderr);
    }
    let run = gallery(&scene, &["list", "milvus://host/default?gallery=My-Family"]).ended(2);
    let told = "error: `My-Family` cannot be the name of a gallery on a server: expected up to 48 of a-z, 0-9 and _, a \
                letter first\n";
    assert_eq!(run.stderr, told);
}
