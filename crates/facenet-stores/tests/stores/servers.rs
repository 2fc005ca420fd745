//! Real servers, on this machine alone, for as long as they are needed.

mod milvus;
mod postgres;

use std::process::{Command, Stdio};

pub(crate) use milvus::{MilvusServer, isolated};
pub(crate) use postgres::PostgresServer;

/// A Python that has the packages; the system's, if none is named.
const PYTHON: &str = "FACENET_TEST_PYTHON";

fn python() -> String {
    std::env::var(PYTHON).unwrap_or_else(|_| "python3".into())
}

/// What a program prints, if it ends well.
fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
