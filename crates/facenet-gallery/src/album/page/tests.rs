use image::Rgb;

use super::*;

fn distance(value: f32) -> Distance {
    Distance::new(value).unwrap()
}

fn cluster(members: &[(usize, f32)]) -> Cluster {
    let mean = |value| (members.len() > 1).then(|| distance(value));
    Cluster { members: members.iter().map(|&(face, d)| Member { face, mean_distance: mean(d) }).collect() }
}

fn html(page: &Page<'_>) -> String {
    let mut out = Vec::new();
    render(&mut out, page).unwrap();
    String::from_utf8(out).unwrap()
}

/// Without the style and the pictures.
fn skeleton(html: &str) -> String {
    let (head, rest) = html.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let mut parts = body.split("src=\"data:image/jpeg;base64,");
    let mut text = format!("{head}<style>..</style>{}", parts.next().unwrap());
    for part in parts {
        text.push_str("src=\"..");
        text.push_str(&part[part.find('"').unwrap()..]);
    }
    text
}

#[test]
fn a_page_of_two_people_and_a_face_alone() {
    let picture = RgbImage::from_pixel(4, 4, Rgb([90, 90, 90]));
    let face = |source| PageFace { source: Path::new(source), picture: &picture };
    let threshold = Threshold {
        distance: distance(1.1),
        false_accept_rate: 1e-3,
        data: "LFW, view 2".into(),
        interval: None,
    };
    let page = Page {
        title: "Summer & sea",
        clusters: &[cluster(&[(1, 0.5), (0, 1.2)]), cluster(&[(3, 1.1)])],
        faces: &[face("in/a.jpg"), face("in/b.jpg"), face("in/unused.jpg"), face("c.jpg")],
        cut: Cut::Calibrated(&threshold),
        suggestions: &[],
    };
    insta::assert_snapshot!(skeleton(&html(&page)), @r##"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
    <title>Summer &amp; sea</title>
    <style>..</style>
    </head>
    <body>
    <a class="skip" href="#faces">Skip to the faces</a>
    <header>
    <h1>Summer &amp; sea</h1>
    <dl>
    <div><dt>faces</dt><dd>3</dd></div>
    <div><dt>person</dt><dd>1</dd></div>
    <div><dt>face alone</dt><dd>1</dd></div>
    <div><dt>doubtful face</dt><dd>1</dd></div>
    </dl>
    <p class="guess">These groups are guesses of a program. It can take two people for one, or one person for two. Look before you rely on any of them.</p>
    <p>Faces were joined up to a distance of 1.100, on a scale from 0 (the same) to 4. On LFW, view 2, 0.1 % of the pairs of two different people lie within it (false accept rate).
    The most typical face of a person comes first. One that is on average farther than this from the person's other faces is marked as doubtful.</p>
    </header>
    <main id="faces">
    <section class="few" aria-labelledby="person-1">
    <h2 id="person-1">Person 1</h2>
    <p>2 faces</p>
    <ul role="list">
    <li><figure><div class="frame">
    <img src=".." alt="Face in b.jpg" width="112" height="112"></div>
    <figcaption title="in/b.jpg"><bdi>b.jpg</bdi><span>mean distance 0.50</span></figcaption></figure></li>
    <li class="doubtful"><figure><div class="frame">
    <img src=".." alt="Face in a.jpg" width="112" height="112"><strong>doubtful</strong></div>
    <figcaption title="in/a.jpg"><bdi>a.jpg</bdi><span>mean distance 1.20</span></figcaption></figure></li>
    </ul>
    </section>
    <section class="few" aria-labelledby="alone">
    <h2 id="alone">Alone</h2>
    <p>1 face that no other was joined to</p>
    <ul role="list">
    <li><figure><div class="frame">
    <img src=".." alt="Face in c.jpg" width="112" height="112"></div>
    <figcaption title="c.jpg"><bdi>c.jpg</bdi></figcaption></figure></li>
    </ul>
    </section>
    </main>
    <footer>This page is one file: it holds its pictures.</footer>
    </body>
    </html>
    "##);
}

#[test]
fn hostile_names_stay_text() {
    let picture = RgbImage::from_pixel(1, 1, Rgb([0, 0, 0]));
    let hostile = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>.jpg";
    let page = Page {
        title: "</title><script>alert(3)</script>",
        clusters: &[cluster(&[(0, 0.0)])],
        faces: &[PageFace { source: Path::new(hostile), picture: &picture }],
        cut: Cut::Calibrated(&Threshold {
            distance: distance(1.0),
            false_accept_rate: 0.0,
            data: "<script>alert(4)</script>".into(),
            interval: None,
        }),
        suggestions: &[],
    };
    let html = html(&page);
    assert!(!html.contains("<script") && !html.contains("src=x onerror='"), "{}", skeleton(&html));
    assert_eq!(html.matches("<img ").count(), 1);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;"), "{}", skeleton(&html));
    assert!(html.contains("&lt;script&gt;alert(3)&lt;"), "{}", skeleton(&html));
    assert!(html.contains("&lt;script&gt;alert(4)&lt;"), "{}", skeleton(&html));
}

#[test]
fn a_page_without_faces_says_so_and_names_no_rate_that_nobody_measured() {
    let html = html(&Page {
        title: "Empty",
        clusters: &[],
        faces: &[],
        cut: Cut::Chosen(distance(0.7)),
        suggestions: &[],
    });
    assert!(html.contains("<dt>faces</dt><dd>0</dd>"));
    assert!(html.contains("up to a distance of 0.700,"));
    assert!(html.contains("its false accept rate is not known"));
    assert!(!html.contains("<section"));
}

#[test]
fn the_page_asks_no_host_for_anything() {
    let html = html(&Page {
        title: "t",
        clusters: &[],
        faces: &[],
        cut: Cut::Chosen(distance(0.7)),
        suggestions: &[],
    });
    for outside in ["http:", "https:", "//", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn a_page_replaces_the_last_one_only_when_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.html");
    let (dot, nothing) = (RgbImage::new(1, 1), RgbImage::new(0, 0));
    let write = |picture| {
        let faces = [PageFace { source: Path::new("a.jpg"), picture }];
        let clusters = [cluster(&[(0, 0.0)])];
        write_page(
            &path,
            &Page {
                title: "t",
                clusters: &clusters,
                faces: &faces,
                cut: Cut::Chosen(distance(1.0)),
                suggestions: &[],
            },
        )
    };
    fs_err::write(&path, "the last one").unwrap();
    let error = write(&nothing).unwrap_err();
    assert_eq!(error.to_string(), "cannot make a thumbnail of a face in `a.jpg`, of 0 x 0 pixels");
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "the last one");

    write(&dot).unwrap();
    assert!(fs_err::read_to_string(&path).unwrap().ends_with("</html>\n"));
    assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs_err::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/people.html");
    let page =
        Page { title: "t", clusters: &[], faces: &[], cut: Cut::Chosen(distance(1.0)), suggestions: &[] };
    let error = write_page(&path, &page).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot write `{}`", path.display()));
}

#[test]
fn questions_show_two_faces_and_name_their_groups() {
    let picture = RgbImage::from_pixel(4, 4, Rgb([90, 90, 90]));
    let faces: Vec<PageFace<'_>> =
        ["a.jpg", "b.jpg", "c.jpg"].map(|s| PageFace { source: Path::new(s), picture: &picture }).to_vec();
    let question = Suggestion { a: 1, b: 2, distance: distance(0.8), why: Why::JustBeyond };
    let page = Page {
        title: "T",
        clusters: &[cluster(&[(0, 0.5), (1, 0.5)]), cluster(&[(2, 0.0)])],
        faces: &faces,
        cut: Cut::WrongPairs { distance: distance(0.7), share: 0.01 },
        suggestions: &[question],
    };
    let text = html(&page);
    assert!(text.contains(
        "<h3>Person 1 and a face alone?</h3>\n<p>Mean distance 0.80: they are a little too far apart.</p>"
    ));
    assert!(text.contains("about 1 % of the pairs in a group are wrong"));
    assert_eq!(text.matches("Face in c.jpg").count(), 2, "in the question and in its place");
    assert!(!html(&Page { suggestions: &[], ..page }).contains("The same person?"));
}
