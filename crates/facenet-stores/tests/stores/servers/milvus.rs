//! Milvus, in a network of its own.
//!
//! Its server listens on all interfaces, whatever it is told. So the part of these tests that needs it runs in another
//! process, in a namespace that has nothing but a loopback interface.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use facenet_gallery::{Settings, Store};
use facenet_stores::{Address, create, open};

use crate::behaviours::Kind;

/// Starts the server on free ports, prints the port of its service, and stops it when its input ends.
const SCRIPT: &str = "
import fcntl, socket, struct, sys
from milvus import MilvusServer
control = socket.socket()
fcntl.ioctl(control, 0x8914, struct.pack('16sh', b'lo', 1 | 64))  # SIOCSIFFLAGS: up and running
server = MilvusServer()
# A strong read waits for the next tick: 200 ms, as it is set.
for setting, value in (('proxy.timeTickInterval', 20), ('queryCoord.checkInterval', 100), ('queryCoord.distPullInterval', 50)):
    server.config.set(setting, value)
server.set_base_dir(sys.argv[1])
server.start()
print(server.listen_port, flush=True)
sys.stdin.read()
server.stop()
";

pub(crate) struct MilvusServer {
    launcher: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl MilvusServer {
    /// Why there can be no server here, if so.
    pub(crate) fn missing() -> Option<String> {
        let has = |command: &mut Command| super::output_of(command).is_some();
        if !has(Command::new(super::python()).args(["-c", "import milvus"])) {
            return Some("for want of the Python package `milvus`".into());
        }
        if !has(&mut isolated("true")) {
            return Some("which listens on all interfaces, and no namespace for it can be made".into());
        }
        None
    }

    /// Starts a server.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut launcher = Command::new(super::python());
        launcher.args(["-c", SCRIPT]).arg(folder.path());
        let launcher = launcher.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let mut launcher = launcher.unwrap();
        let mut line = String::new();
        BufReader::new(launcher.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the server has started");
        Self { launcher, port, _folder: folder }
    }

    pub(crate) fn address(&self, gallery: &str) -> String {
        format!("milvus://127.0.0.1:{}/default?gallery={gallery}", self.port)
    }

    pub(crate) fn galleries(&self) -> MilvusGalleries<'_> {
        MilvusGalleries { server: self, made: 0 }
    }
}

impl Drop for MilvusServer {
    fn drop(&mut self) {
        drop(self.launcher.stdin.take());
        self.launcher.wait().ok();
    }
}

/// A program in a network of its own, with which all that it started ends, however it ends.
pub(crate) fn isolated(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(program);
    command
}

pub(crate) struct MilvusGalleries<'a> {
    server: &'a MilvusServer,
    made: usize,
}

impl MilvusGalleries<'_> {
    fn address(&self) -> Address {
        Address::parse(&self.server.address(&format!("g{}", self.made))).unwrap().unwrap()
    }
}

impl Kind for MilvusGalleries<'_> {
    fn name(&self) -> &'static str {
        "Milvus"
    }

    fn make(&mut self, settings: &Settings) -> Box<dyn Store> {
        self.made += 1;
        create(&self.address(), settings).unwrap()
    }

    fn again(&self) -> Box<dyn Store> {
        open(&self.address()).unwrap()
    }
}
