//! Training in several processes, started by plain `mpirun`. Skipped where that is not installed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use facenet::Model;
use image::RgbImage;

/// Six people with three pictures each: a colour that is the person's, and a pattern that is not.
fn draw_people(folder: &Path) {
    for person in 0..6u8 {
        let home = folder.join(format!("person-{person}"));
        std::fs::create_dir_all(&home).unwrap();
        for picture in 0..3u8 {
            let colour = [40 * person, 220 - 35 * person, 40 + 90 * (person % 2)];
            let image = RgbImage::from_fn(64, 64, |x, y| {
                let stripe = ((x + y * u32::from(person + 1)) / 8 + u32::from(picture)) % 2;
                colour.map(|c| c + 35 * stripe as u8).into()
            });
            image.save(home.join(format!("{picture}.png"))).unwrap();
        }
    }
}

fn write_config(folder: &Path, steps: u64) -> std::path::PathBuf {
    draw_people(&folder.join("faces"));
    let path = folder.join("config.toml");
    let text = format!(
        "data.train = {:?}\nnetwork = {{ name = \"lite\", norm_group = 4 }}\n\
         batch = {{ identities = 6, faces = 3, negatives = 0 }}\nloss = {{ kind = \"triplet\", rule = \"hardest\" }}\n\
         schedule = {{ steps = {steps}, learning_rate = 0.001 }}\nrun = {{ checkpoint_every = 1 }}\n",
        folder.join("faces")
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// `facenet train` in so many processes; none where there is no `mpirun`.
fn train(processes: usize, config: &Path, run: &Path, more: &[&str]) -> Option<Command> {
    let mut command = if processes == 1 {
        Command::new(env!("CARGO_BIN_EXE_facenet"))
    } else {
        if Command::new("mpirun").arg("--version").output().is_err() {
            eprintln!("skipped: `mpirun` is not installed");
            return None;
        }
        let mut command = Command::new("mpirun");
        // More processes than cores, and the root user of containers: fine for a test.
        command.args(["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n"]);
        command.arg(processes.to_string()).arg(env!("CARGO_BIN_EXE_facenet"));
        command
    };
    command.args(["--threads", "1", "train", "--plain"]).arg(config).arg("--run").arg(run).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command)
}

#[test]
fn two_processes_learn_what_one_learns() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), 4);
    let model = |processes: usize| {
        let run = folder.path().join(format!("run-{processes}"));
        let output = train(processes, &config, &run, &[])?.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Model::load(&run.join("model.safetensors")).unwrap())
    };
    let alone = model(1).unwrap();
    for processes in [2, 3] {
        let Some(together) = model(processes) else { return };
        for (name, tensor) in alone.weights().tensors() {
            let largest = tensor.values.iter().fold(1e-3, |l: f32, v| l.max(v.abs()));
            for (one, many) in tensor.values.iter().zip(together.weights().values(name)) {
                assert!((one - many).abs() <= 1e-5 * largest, "{processes}: {name}: {one} against {many}");
            }
        }
    }
}

#[test]
fn a_process_that_dies_stops_the_run_which_goes_on_with_another_number_of_processes() {
    let folder = tempfile::tempdir().unwrap();
    let config = write_config(folder.path(), 40);
    let run = folder.path().join("run");
    let Some(mut command) = train(2, &config, &run, &[]) else { return };
    let mut started = command.spawn().unwrap();

    let checkpoints = || std::fs::read_dir(run.join("checkpoints")).map_or(0, Iterator::count);
    let begun = Instant::now();
    while checkpoints() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint was written");
        assert!(started.try_wait().unwrap().is_none(), "the run ended before it could be disturbed");
        std::thread::sleep(Duration::from_millis(20));
    }
    let children = Command::new("pgrep").args(["-P", &started.id().to_string()]).output().unwrap();
    let children = String::from_utf8(children.stdout).unwrap();
    let victim = children.lines().last().expect("`mpirun` has children");
    assert!(Command::new("kill").args(["-9", victim]).status().unwrap().success());
    let output = started.wait_with_output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(told.contains("signal 9") || told.contains("killed"), "{told}");

    let output = train(3, &config, &run, &["--resume"]).unwrap().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(run.join("model.safetensors").exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("resumed after step"));
}
