use super::*;

/// Whether there is an ffmpeg; says so when there is none.
fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        eprintln!("skipped: `ffmpeg` is not installed");
    }
    found.is_ok()
}

/// Three seconds of 64 x 48 pixels: red for a second, then blue.
fn draw(path: &Path) {
    let source = "color=red:s=64x48:r=10:d=1[a];color=blue:s=64x48:r=10:d=2[b];[a][b]concat";
    let drawn = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mjpeg", "-q:v", "2"])
        .arg(path)
        .status();
    assert!(drawn.unwrap().success());
}

#[test]
fn frames_are_sampled_in_order_with_their_times() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a video: 1.avi");
    draw(&path);
    let frames = VideoFrames::of_file(&path, 0.5, Limits::default()).unwrap();
    let frames: Vec<Frame> = frames.map(Result::unwrap).collect();
    let times: Vec<f64> = frames.iter().map(|frame| frame.time).collect();
    assert_eq!(times, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]);
    assert!(frames.iter().all(|frame| frame.image.dimensions() == (64, 48)));
    let red = |frame: &Frame| frame.image.get_pixel(30, 20).0[0] > 200;
    assert!(red(&frames[0]) && !red(&frames[3]) && !red(&frames[5]));
}

#[test]
fn what_is_no_video_is_refused_with_what_ffmpeg_says() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.mp4");
    fs_err::write(&path, "no video").unwrap();
    let mut frames = VideoFrames::of_file(&path, 1.0, Limits::default()).unwrap();
    let error = frames.next().unwrap().unwrap_err();
    assert!(matches!(&error, VideoError::Refused { said } if said.starts_with("`ffmpeg` says `")), "{error}");
    assert!(frames.next().is_none());
}

#[test]
fn frames_above_the_limit_are_refused() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.avi");
    draw(&path);
    let limits = Limits { max_pixels: 64 * 48 - 1, ..Limits::default() };
    let mut frames = VideoFrames::of_file(&path, 1.0, limits).unwrap();
    assert!(matches!(frames.next(), Some(Err(VideoError::TooManyPixels { width: 64, height: 48, .. }))));
    assert!(frames.next().is_none());
}

#[test]
fn a_missing_file_and_a_time_that_is_none_are_told_before_ffmpeg_is_asked() {
    let missing = VideoFrames::of_file("gone.mp4".as_ref(), 1.0, Limits::default());
    assert!(matches!(missing, Err(VideoError::Unreadable(_))));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY, 86401.0] {
        let started = VideoFrames::of_stream("file:gone", wrong, Limits::default());
        assert!(matches!(started, Err(VideoError::NotATime(_))), "{wrong}");
    }
}
