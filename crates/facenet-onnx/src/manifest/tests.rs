use super::*;

const OWN: &str = "\
name = \"own\"
[input]
size = [112, 112]
channels = \"rgb\"
mean = [127.5, 127.5, 127.5]
scale = [128.0, 128.0, 128.0]
[embedder]
field = 0.875
";

fn refusal(from: &str, to: &str) -> String {
    assert!(OWN.contains(from));
    Manifest::parse(&OWN.replace(from, to), "own.toml").unwrap_err().to_string()
}

#[test]
fn every_preset_can_be_read_and_bears_its_name() {
    for name in PRESETS {
        let preset = Manifest::preset(name).unwrap();
        assert_eq!(preset.name, name);
        assert_eq!(Manifest::parse(&preset.to_toml(), "again").unwrap(), preset);
    }
    let error = Manifest::preset("vgg").unwrap_err().to_string();
    assert!(error.starts_with("no manifest `vgg` comes with the program; there are `arcface`, "), "{error}");
}

#[test]
fn values_that_cannot_be_are_named() {
    for (from, to, expected) in [
        ("\"own\"", "\"my own\"", "the name `my own` is not 1 to 64 letters"),
        ("[112, 112]", "[0, 0]", "an input of 0 x 0 pixels"),
        ("[112, 112]", "[112, 96]", "an embedder's input is square, but it is 112 x 96 pixels"),
        ("size = [112, 112]\n", "", "an embedder's `input.size` is missing"),
        ("128.0, 128.0]", "128.0, 0.0]", "the scales [128.0, 128.0, 0.0] cannot be divided by"),
        ("[127.5, ", "[nan, ", "the means [NaN, 127.5, 127.5] are not finite"),
        ("0.875", "1.5", "the field 1.5 is not above 0 and at most 1"),
        ("\"rgb\"", "\"rbg\"", "unknown variant `rbg`"),
        ("field", "feild", "unknown field `feild`"),
        ("[embedder]\nfield = 0.875\n", "", "neither `[embedder]` nor `[detector]`"),
    ] {
        let error = refusal(from, to);
        assert!(error.contains("`own.toml`") && error.contains(expected), "{error}");
    }
}

#[test]
fn a_detector_has_what_its_decoding_needs() {
    let refusal = |change: &str| {
        let text = format!("extends = \"retinaface\"\n[detector]\n{change}");
        Manifest::parse(&text, "own.toml").unwrap_err().to_string()
    };
    assert!(refusal("strides = [8, 16]").contains("3 lists of anchors for 2 strides"));
    assert!(refusal("strides = []\nanchors = []").contains("it has 0 strides"));
    assert!(refusal("strides = [8, 16, 0]").contains("the stride 0 is not 1 to 256"));
    assert!(refusal("anchors = [[16.0], [], [1.0]]").contains("not 1 to 16 lengths a stride"));
    assert!(refusal("score = 1.0").contains("the score 1 is not between 0 and 1"));
    assert!(refusal("overlap = nan").contains("the overlap NaN is not between 0 and 1"));
    assert!(refusal("least_face_px = 0.0").contains("least_face_px 0 is not 4 or more"));
    assert!(refusal("largest_edge_px = 100000").contains("largest_edge_px 100000 is not"));
}

#[test]
fn a_manifest_changes_what_it_extends_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.toml"), "extends = \"arcface\"\nname = \"a\"\n[input]\nchannels = \"bgr\"\n")
        .unwrap();
    std::fs::write(at("b.toml"), "extends = \"a.toml\"\nlicence = \"mine\"\n").unwrap();
    let mut expected = Manifest::preset("arcface").unwrap();
    expected.name = "a".into();
    expected.input.channels = Channels::Bgr;
    assert_eq!(Manifest::read(&at("a.toml")).unwrap(), expected);
    expected.licence = "mine".into();
    assert_eq!(Manifest::read(&at("b.toml")).unwrap(), expected);
}

#[test]
fn manifests_that_extend_each_other_in_a_circle_are_refused_with_the_circle() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.toml"), "extends = \"b.toml\"").unwrap();
    std::fs::write(at("b.toml"), "extends = \"a.toml\"").unwrap();
    std::fs::write(at("self.toml"), "extends = \"self.toml\"").unwrap();
    let refusal = |name| {
        let error = Manifest::read(&at(name)).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let prefix = "the manifests extend each other without end: ";
    assert_eq!(refusal("a.toml"), format!("{prefix}a.toml -> b.toml -> a.toml"));
    assert_eq!(refusal("self.toml"), format!("{prefix}self.toml -> self.toml"));
    for i in 0..10 {
        std::fs::write(at(&format!("{i}.toml")), format!("extends = \"{}.toml\"", i + 1)).unwrap();
    }
    assert!(refusal("0.toml").starts_with(prefix), "a chain without end is cut, also where nothing repeats");
}

#[test]
fn a_manifest_extends_only_presets_and_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../a.toml", "/etc/passwd", "a/b.toml", ""] {
        std::fs::write(folder.path().join("m.toml"), format!("extends = \"{name}\"")).unwrap();
        let error = Manifest::read(&folder.path().join("m.toml")).unwrap_err();
        assert!(matches!(error, ManifestError::Elsewhere { .. }), "{error}");
    }
    assert!(matches!(
        Manifest::parse("extends = \"a.toml\"", "memory"),
        Err(ManifestError::Elsewhere { .. })
    ));
    assert!(matches!(Manifest::parse("extends = 5", "memory"), Err(ManifestError::Syntax { .. })));
    assert!(matches!(Manifest::read(&folder.path().join("gone.toml")), Err(ManifestError::Read { .. })));
}

#[test]
fn a_manifest_is_small_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    std::fs::write(&path, vec![b'#'; 70_000]).unwrap();
    assert!(matches!(Manifest::read(&path), Err(ManifestError::Read { .. })));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(Manifest::read(&path), Err(ManifestError::Read { .. })));
}
