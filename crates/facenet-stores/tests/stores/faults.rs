//! Migrations are killed at random moments (`kill -9`) and run again: nothing is lost, and the source is as it was.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use facenet_gallery::{Form, PersonId, SqliteStore, Store};
use facenet_stores::{Address, Plan, create, migrate, open};

use crate::drawn;

/// What the program is to do instead of testing: the source and the target, in two lines.
const WORK: &str = "FACENET_STORES_WORK";

/// How often what is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) rounds: u32,
    pub(crate) photos: u32,
}

pub(crate) fn order() -> Option<String> {
    std::env::var(WORK).ok()
}

/// Migrates.
pub(crate) fn obey(order: &str) {
    let (from, to) = order.split_once('\n').unwrap();
    let from = SqliteStore::open(Path::new(from)).unwrap();
    let address = Address::parse(to).unwrap().unwrap();
    let mut to = open(&address).unwrap();
    migrate(&from, &mut to, Plan::default(), &mut |_, _, _| {}).unwrap();
}

/// Kills migrations into galleries of a server, whose addresses `address` gives.
pub(crate) fn kill_migrations(faults: Faults, address: &dyn Fn(&str) -> String) {
    let Faults { rounds, photos } = faults;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    let mut source = SqliteStore::create(&path, &drawn::settings(Form::Float)).unwrap();
    fill(&mut source, photos);
    drop(source);
    let before = std::fs::read(&path).unwrap();
    let target = address("whole");
    let source = SqliteStore::open(&path).unwrap();
    create(&Address::parse(&target).unwrap().unwrap(), source.settings()).unwrap();
    let whole = Instant::now();
    assert!(work(&path, &target).status().unwrap().success());
    let whole = whole.elapsed();

    let (mut within, mut found) = (0, Vec::new());
    for round in 0..rounds {
        let target = address(&format!("killed{round}"));
        let parsed = Address::parse(&target).unwrap().unwrap();
        create(&parsed, source.settings()).unwrap();
        // Each round twice, at moments spread over a whole run, the second on what the first left.
        for kill in 0..2 {
            let mut child = work(&path, &target).spawn().unwrap();
            std::thread::sleep(share(2 * round + kill, whole));
            within += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let mut to = open(&parsed).unwrap();
        assert_eq!(to.check().unwrap(), Vec::<String>::new());
        found.push(to.counts().unwrap().faces);
        let done = migrate(&source, &mut to, Plan::default(), &mut |_, _, _| {}).unwrap();
        assert_eq!(done.counts, source.counts().unwrap());
        assert_eq!(to.counts().unwrap(), source.counts().unwrap());
    }
    assert!(within > 0, "no migration was killed within its work");
    drop(source);
    assert_eq!(std::fs::read(&path).unwrap(), before, "the source was changed");
    println!(
        "faults: {} migrations killed, {within} of them within the work, with {found:?} of {photos} faces there; all were \
         completed, none lost a record",
        2 * rounds
    );
}

/// A moment within a run that takes `whole`: no two rounds have the same one, and each run of the tests the same ones.
fn share(round: u32, whole: Duration) -> Duration {
    whole.mul_f64((f64::from(round) * 0.618_034 + 0.2).fract())
}

fn work(from: &Path, to: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(WORK, format!("{}\n{to}", from.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn fill(store: &mut dyn Store, photos: u32) {
    let names: Vec<String> = (0..200).map(|i| format!("person {i}")).collect();
    let people = store.add_people(&names.iter().map(|name| Some(name.as_str())).collect::<Vec<_>>()).unwrap();
    let person = |seed: u32| -> PersonId { people[seed as usize % people.len()] };
    let photos: Vec<_> = (1..=photos).map(|seed| drawn::photo(&[seed], Some(person(seed)))).collect();
    photos.chunks(500).for_each(|photos| {
        store.add(photos).unwrap();
    });
}
