//! Programs that work on a gallery are killed at random moments (`kill -9`): nothing that they acknowledged may be lost,
//! and nothing that was deleted may come back, nor any byte of it be found.
//!
//! `cargo test -p facenet-gallery --test faults` kills each kind of work a few times; for the figures of
//! `docs/gallery.md`: `cargo test -p facenet-gallery --test faults -- --rounds 50`.

mod drawn;
mod judge;
mod work;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use drawn::Dice;
use judge::Judge;
use work::Kind;

/// What the program is to do instead of judging, as `KIND PATH FIRST`.
const WORK: &str = "FACENET_FAULTS_WORK";
/// Enough to meet the main steps of each kind, in seconds.
const ROUNDS: usize = 4;

fn main() {
    if let Ok(order) = std::env::var(WORK) {
        return work::obey(&order);
    }
    let argument = |name: &str| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
        arguments.next().and_then(|value| value.parse::<u64>().ok())
    };
    let rounds = argument("--rounds").map_or(ROUNDS, |rounds| rounds as usize);
    let mut dice = Dice::new(argument("--seed").unwrap_or(1));
    for kind in Kind::ALL {
        let started = Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let figures = rounds_of(kind, rounds, folder.path(), &mut dice);
        println!(
            "{:8} killed {:3} times, {:3} of them within the work; {:5} steps acknowledged, none lost; {:4} photos \
             deleted, none came back; {:.1} s",
            kind.name(),
            rounds,
            figures.within,
            figures.acknowledged,
            figures.deleted,
            started.elapsed().as_secs_f64()
        );
    }
}

#[derive(Default)]
struct Figures {
    /// Programs that had not ended by themselves.
    within: usize,
    acknowledged: usize,
    deleted: usize,
}

fn rounds_of(kind: Kind, rounds: usize, folder: &Path, dice: &mut Dice) -> Figures {
    let mut figures = Figures::default();
    let mut judge = Judge::new(kind, folder);
    for round in 0..rounds {
        let path = judge.prepare(round);
        // A whole run of each kind takes some tens of milliseconds, but for endless ones.
        let longest = kind.time_to_kill(judge.whole_run(|path| time_of_whole_run(kind, path)));
        let mut child = start(kind, &path, judge.first());
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        lines.read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        std::thread::sleep(longest.mul_f64(dice.share()));
        figures.within += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let mut text = String::new();
        lines.read_to_string(&mut text).unwrap();
        // A line without an end was not acknowledged.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let acknowledged: Vec<&str> = whole.lines().collect();
        figures.acknowledged += acknowledged.len();
        judge.judge(&path, &acknowledged);
    }
    figures.deleted = judge.deleted();
    figures
}

fn start(kind: Kind, path: &Path, first: u32) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(WORK, format!("{}\n{}\n{first}", kind.name(), path.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
}

/// How long a program of this kind takes from when it is ready, if nobody kills it.
fn time_of_whole_run(kind: Kind, path: &Path) -> Duration {
    let mut child = start(kind, path, 0);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    let started = Instant::now();
    assert!(child.wait().unwrap().success());
    started.elapsed()
}
