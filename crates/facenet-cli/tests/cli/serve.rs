//! `facenet serve`: the shipped model behind a real server.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::scene::Scene;

/// A running service.
struct Service {
    child: Child,
    stderr: BufReader<ChildStderr>,
    url: String,
    agent: ureq::Agent,
}

impl Service {
    /// Starts it in the folder, on a free port.
    fn start(scene: &Scene, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_facenet"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args).current_dir(scene.at("."));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let url =
            line.trim().strip_prefix("facenet: listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { child, stderr, url, agent }
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("{}{path}", self.url)).header("content-type", kind);
        let mut response = request.send(body).unwrap();
        (response.status().as_u16(), serde_json::from_reader(response.body_mut().as_reader()).unwrap())
    }

    /// Tells it to end, and gives its exit code and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless a test has failed.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Three portraits of two people.
fn scene() -> (Scene, [Vec<u8>; 3]) {
    let scene = Scene::new();
    let names = ["barack-obama-1.jpg", "barack-obama-2.jpg", "eileen-collins-1.jpg"];
    names.iter().for_each(|name| scene.portrait(name, name));
    let read = |name: &str| fs_err::read(scene.at(name)).unwrap();
    let photos = names.map(read);
    (scene, photos)
}

#[cfg(unix)]
#[test]
fn the_shipped_model_knows_people_again_over_http() {
    let (scene, [obama, again, collins]) = scene();
    scene.run_plain(&["gallery", "create", "g", "--crops"]).ended(0);
    let service = Service::start(&scene, &["--gallery", "g"]);

    let (status, added) = service.post("/v1/photos?person=Barack", "image/jpeg", &obama);
    assert_eq!((status, added["faces"].as_array().unwrap().len()), (201, 1), "{added}");
    let (_, found) = service.post("/v1/identify?far=0.1", "image/jpeg", &again);
    assert_eq!(found["faces"][0]["person"]["name"], "Barack", "{found}");
    let (_, found) = service.post("/v1/identify?far=0.1", "image/jpeg", &collins);
    assert_eq!(found["faces"][0]["person"], json!(null), "{found}");

    // The same numbers as on the command line.
    let line = scene.run_plain(&["embed", "barack-obama-1.jpg", "--crop", "detect"]).ended(0).json();
    let (_, embedded) = service.post("/v1/embed", "image/jpeg", &obama);
    assert_eq!(embedded["faces"][0]["embedding"], line["embedding"]);
    assert_eq!(embedded["faces"][0]["box"], line["face"]["box"]);

    let mut picture = service.agent.get(format!("{}/v1/faces/1/picture", service.url)).call().unwrap();
    let picture = image::load_from_memory(&picture.body_mut().read_to_vec().unwrap()).unwrap();
    assert!(picture.width() > 40 && picture.width() <= 128 && picture.width() == picture.height());

    let (status, problem) = service.post("/v1/detect", "image/jpeg", &obama[..obama.len() / 2]);
    assert_eq!((status, &problem["code"]), (422, &json!("not-an-image")), "{problem}");
    assert_eq!(problem["hint"], "copy or download it again");
    let (status, problem) = service.post("/v1/detect", "image/png", &bomb());
    assert_eq!((status, &problem["code"]), (413, &json!("too-many-pixels")), "{problem}");

    let (code, said) = service.end();
    assert_eq!((code, said.as_str()), (Some(0), "facenet: stopped; all that was accepted is done\n"));
    assert!(
        scene.run_plain(&["gallery", "list", "g"]).ended(0).stdout.starts_with("person:1\tBarack\t1 face")
    );
}

/// A PNG of a few bytes whose header claims 100,000 x 100,000 pixels.
fn bomb() -> Vec<u8> {
    let mut png = Vec::new();
    image::RgbImage::new(1, 1)
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    png[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]); // width and height
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

/// The check sum of a PNG's chunk.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn keys_are_made_listed_renewed_and_removed() {
    let scene = Scene::new();
    let made = scene.run_plain(&["serve", "keys", "add", "keys", "door", "--scope", "write"]).ended(0);
    assert!(made.stdout.starts_with("fnk_") && made.stdout.len() == 48, "{}", made.stdout);
    assert!(!scene.text("keys").contains(made.stdout.trim()));
    assert_eq!(scene.run_plain(&["serve", "keys", "list", "keys"]).ended(0).stdout, "k1\twrite\tdoor\n");
    let renewed = scene.run_plain(&["serve", "keys", "rotate", "keys", "k1"]).ended(0);
    assert_ne!(renewed.stdout, made.stdout);
    scene.run_plain(&["serve", "keys", "remove", "keys", "k1"]).ended(0);
    insta::assert_snapshot!(scene.run_plain(&["serve", "keys", "remove", "keys", "k1"]).ended(2).stderr, @r"
    error: `keys` has no key `k1`

    hint: `facenet serve keys list keys` shows those it has
    ");
}

#[test]
fn beyond_this_machine_it_does_not_start_without_keys() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.run_plain(&["serve", "--listen", "0.0.0.0:0"]).ended(2).stderr, @r"
    error: beyond this machine (`0.0.0.0:0`, or under other names) the service needs keys

    hint: `facenet serve keys add FILE NAME` makes one; then start with `--keys FILE`
    ");
    insta::assert_snapshot!(scene.run_plain(&["serve", "--queue", "0"]).ended(2).stderr, @"error: `--queue 0` cannot be used: expected a number above 0");
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    let scene = Scene::new();
    let bash = scene.run_plain(&["completions", "bash"]).ended(0).stdout;
    assert!(
        bash.contains("complete -F _facenet") && bash.contains("facenet__subcmd__serve")
            || bash.contains("facenet__serve")
    );
    let page = scene.run_plain(&["man"]).ended(0).stdout;
    assert!(page.contains(".TH facenet 1") && page.contains("facenet\\-serve(1)"), "{page}");
    scene.run_plain(&["man", "--output", "man"]).ended(0);
    let pages = scene.names("man");
    assert!(
        pages.contains(&"facenet.1".into()) && pages.contains(&"facenet-gallery-add.1".into()),
        "{pages:?}"
    );
}
