//! Faces in videos.

use std::process::{Command, Stdio};

use crate::scene::Scene;

/// Whether there is an ffmpeg; says so when there is none.
fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("skipped: `ffmpeg` is not installed");
    }
    found.is_ok()
}

/// Two seconds of one portrait, then two seconds of another.
fn film() -> Scene {
    let scene = Scene::new();
    scene.portrait("barack-obama-1.jpg", "a.jpg");
    scene.portrait("joe-biden-1.jpg", "b.jpg");
    let still = ["-loop", "1", "-t", "2", "-r", "4", "-i"];
    let join = "[0]scale=320:400,setsar=1[a];[1]scale=320:400,setsar=1[b];[a][b]concat";
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error"]).args(still).arg(scene.at("a.jpg")).args(still).arg(scene.at("b.jpg"));
    ffmpeg.args(["-filter_complex", join, "-c:v", "mjpeg", "-q:v", "3"]).arg(scene.at("film.avi"));
    assert!(ffmpeg.status().unwrap().success());
    scene
}

#[test]
fn each_face_is_one_track_with_its_times_and_its_name() {
    if !has_ffmpeg() {
        return;
    }
    let scene = film();
    scene.portrait("barack-obama-2.jpg", "people/Barack/1.jpg");
    let args = ["track", "film.avi", "--json", "--gallery", "people", "--threshold", "0.8"];
    let tracks = scene.run_plain(&args).ended(0).json_lines();
    let told = |key: &str| tracks.iter().map(|track| track[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("from"), [0.0, 2.0]);
    assert_eq!(told("to"), [1.5, 3.5]);
    assert_eq!(told("frames"), [4, 4]);
    assert_eq!(told("person")[0], "Barack");
    assert_eq!(tracks[0]["embedding"].as_array().unwrap().len(), 128);

    let seldom = scene.run_plain(&["track", "film.avi", "--every", "2s"]).ended(0).stdout;
    assert!(seldom.starts_with("film.avi\ttrack 1\t0.0 s to 0.0 s\t1 frame\tbest at 0.0 s\n"), "{seldom}");
    let long = scene.run_plain(&["track", "film.avi", "--min-frames", "5"]).ended(0);
    assert_eq!((long.stdout.as_str(), long.stderr.ends_with("facenet: 0 tracks\n")), ("", true));
}

#[test]
fn a_corrupt_video_is_an_error_that_names_it_and_the_others_go_on() {
    if !has_ffmpeg() {
        return;
    }
    let scene = film();
    scene.file("broken.mp4", "no video at all");
    let run = scene.run_plain(&["track", "broken.mp4", "gone.mp4", "film.avi"]).ended(2);
    assert!(
        run.stderr.contains("facenet: broken.mp4: the video cannot be read: `ffmpeg` says "),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("facenet: gone.mp4: the file cannot be read"), "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn without_ffmpeg_it_is_said_what_to_install() {
    let scene = Scene::new();
    scene.file("film.avi", "anything");
    let program = env!("CARGO_BIN_EXE_facenet");
    let mut command = Command::new(program);
    command
        .args(["track", "film.avi", "--quiet", "--cache", "off"])
        .env("PATH", "")
        .current_dir(scene.at(""));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @r"
    facenet: film.avi: videos are read by the program `ffmpeg`, which is not installed
    hint: install it, for example with `apt install ffmpeg` or `brew install ffmpeg`
    ");
}

#[test]
fn a_time_between_frames_that_is_none_is_refused() {
    let run = Scene::new().run_plain(&["track", "film.avi", "--every", "0s"]).ended(2);
    assert!(run.stderr.contains("expected a time above 0 and up to a day"), "{}", run.stderr);
}
