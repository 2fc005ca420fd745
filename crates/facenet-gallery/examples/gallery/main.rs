//! Measures search and clustering on made-up people.
//!
//! ```text
//! cargo run --release -p facenet-gallery --example gallery -- write  FACES base|strong FOLDER
//! cargo run --release -p facenet-gallery --example gallery -- search FACES base|strong [float|byte] [EF...]
//! cargo run --release -p facenet-gallery --example gallery -- cluster FACES base|strong THRESHOLD...
//! cargo run --release -p facenet-gallery --example gallery -- grow FACES base|strong THRESHOLD
//! cargo run --release -p facenet-gallery --example gallery -- fill FACES base|strong THRESHOLD
//! cargo run --release -p facenet-gallery --example gallery -- labels ROWS.f32 DIMENSION NEIGHBOURS THRESHOLD...
//! ```
//!
//! `write` leaves `rows.f32`, `probes.f32` and `truth.u32` for other programs, and `labels` reads such rows and prints a
//! line of cluster numbers a threshold; NEIGHBOURS 0 compares all pairs.

#[path = "fill.rs"]
mod fill;
#[path = "people.rs"]
mod people;
#[path = "scores.rs"]
mod scores;

use std::error::Error;
use std::time::Instant;

use facenet_core::Distance;
use facenet_gallery::{
    Clustering, GroupFaces, GroupOptions, Index, IndexOptions, Knowledge, Precision, recall,
};

use people::{DIMENSION, Like, People, people};
use scores::scores;

type Done = Result<(), Box<dyn Error>>;

/// Searches that are timed, and that recall is measured on.
const PROBES: usize = 2000;

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args.as_slice() {
        ["write", faces, like, folder] => write(faces.parse()?, self::like(like)?, folder),
        ["search", faces, like, precision, ref efs @ ..] => {
            search(faces.parse()?, self::like(like)?, precision, efs)
        }
        ["cluster", faces, like, ref thresholds @ ..] => {
            cluster(faces.parse()?, self::like(like)?, thresholds)
        }
        ["grow", faces, like, threshold] => grow(faces.parse()?, self::like(like)?, threshold.parse()?),
        ["fill", faces, like, threshold] => fill::fill(faces.parse()?, self::like(like)?, threshold.parse()?),
        ["labels", rows, dimension, neighbours, ref thresholds @ ..] => {
            labels(rows, dimension.parse()?, neighbours.parse()?, thresholds)
        }
        _ => Err(
            "expected `write`, `search`, `cluster`, `grow`, `fill` or `labels`; see the head of this example"
                .into(),
        ),
    }
}

fn like(name: &str) -> Result<Like, String> {
    match name {
        "base" => Ok(Like::Base),
        "strong" => Ok(Like::Strong),
        _ => Err(format!("`{name}` is neither `base` nor `strong`")),
    }
}

fn bytes(rows: &[f32]) -> Vec<u8> {
    rows.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn write(faces: usize, like: Like, folder: &str) -> Done {
    let People { rows, truth } = people(faces, like, 0);
    fs_err::create_dir_all(folder)?;
    fs_err::write(format!("{folder}/rows.f32"), bytes(&rows))?;
    fs_err::write(format!("{folder}/probes.f32"), bytes(&probes(faces, like)))?;
    let truth: Vec<u8> = truth.iter().flat_map(|person| person.to_le_bytes()).collect();
    Ok(fs_err::write(format!("{folder}/truth.u32"), truth)?)
}

/// Other faces of people from all over the gallery.
fn probes(faces: usize, like: Like) -> Vec<f32> {
    let others = people(faces, like, 1).rows;
    let step = (faces / PROBES).max(1);
    others.chunks_exact(DIMENSION).step_by(step).take(PROBES).flatten().copied().collect()
}

fn search(faces: usize, like: Like, precision: &str, efs: &[&str]) -> Done {
    let rows = people(faces, like, 0).rows;
    let probes = probes(faces, like);
    let ids: Vec<u64> = (0..faces as u64).collect();
    let precision = if precision == "byte" { Precision::Byte } else { Precision::Float };
    let options = |exact_up_to| IndexOptions { precision, exact_up_to, ..IndexOptions::of(DIMENSION) };
    let before = memory();

    let start = Instant::now();
    let exact = Index::build(options(usize::MAX), &ids, &rows)?;
    println!("exact: built in {:.1} s, {:.2} GiB", start.elapsed().as_secs_f64(), memory() - before);
    report_times("exact", &exact, &probes[..200 * DIMENSION])?;

    let before = memory();
    let start = Instant::now();
    let mut graph = Index::build(options(0), &ids, &rows)?;
    let seconds = start.elapsed().as_secs_f64();
    let (rate, memory) = (faces as f64 / seconds, memory() - before);
    println!("hnsw: built in {seconds:.1} s, {rate:.0} faces a second, {memory:.2} GiB");
    for ef in efs {
        graph.look_at(ef.parse()?);
        let recall = recall(&graph, &exact, &probes, 10)?.unwrap_or(f64::NAN);
        println!("hnsw ef {ef}: recall@10 {recall:.4}");
        report_times(&format!("hnsw ef {ef}"), &graph, &probes)?;
    }
    println!("peak {:.2} GiB", peak());
    Ok(())
}

/// One search after another, on one thread but for a scan of many.
fn report_times(name: &str, index: &Index, probes: &[f32]) -> Done {
    let mut times = Vec::new();
    for probe in probes.chunks_exact(DIMENSION) {
        let start = Instant::now();
        index.search(probe, 10)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name}: p50 {:.3} ms, p99 {:.3} ms", at(0.5), at(0.99));
    Ok(())
}

fn cluster(faces: usize, like: Like, thresholds: &[&str]) -> Done {
    let People { rows, truth } = people(faces, like, 0);
    for threshold in thresholds {
        let options = GroupOptions::at(Distance::new(threshold.parse()?)?);
        let start = Instant::now();
        let group = GroupFaces { rows: &rows, ..GroupFaces::default() };
        let found = Clustering::of(DIMENSION, group, Knowledge::default(), options)?;
        let seconds = start.elapsed().as_secs_f64();
        let [precision, recall, f, bcubed] = scores(&truth, &found.labels());
        println!(
            "threshold {threshold}: {seconds:.1} s, peak {:.2} GiB, pairwise precision {precision:.4} recall {recall:.4} \
             F {f:.4}, BCubed F {bcubed:.4}",
            peak()
        );
    }
    Ok(())
}

/// Nine tenths at once and the rest a hundred faces at a time, beside all at once.
fn grow(faces: usize, like: Like, threshold: f32) -> Done {
    let People { rows, truth } = people(faces, like, 0);
    // Every tenth face comes later, so that most new faces are of known people.
    let order: Vec<usize> =
        (0..faces).filter(|i| i % 10 != 9).chain((0..faces).filter(|i| i % 10 == 9)).collect();
    let row = |&face: &usize| &rows[face * DIMENSION..][..DIMENSION];
    let rows: Vec<f32> = order.iter().flat_map(row).copied().collect();
    let truth: Vec<u32> = order.iter().map(|&face| truth[face]).collect();
    let options = GroupOptions::at(Distance::new(threshold)?);
    let group = |rows| GroupFaces { rows, ..GroupFaces::default() };

    let full = Clustering::of(DIMENSION, group(&rows), Knowledge::default(), options)?;
    let first = faces * 9 / 10 * DIMENSION;
    let mut grown = Clustering::of(DIMENSION, group(&rows[..first]), Knowledge::default(), options)?;
    grown.add(group(&rows[first..first + DIMENSION]))?;
    let start = Instant::now();
    for part in rows[first + DIMENSION..].chunks(100 * DIMENSION) {
        grown.add(group(part))?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let to_full = scores(&full.labels(), &grown.labels());
    println!(
        "grown: {:.2} ms a face; to a full run: pairwise F {:.4}, BCubed F {:.4}",
        seconds * 1e4 / faces as f64,
        to_full[2],
        to_full[3]
    );
    for (name, found) in [("full", &full), ("grown", &grown)] {
        let [precision, recall, f, bcubed] = scores(&truth, &found.labels());
        println!(
            "{name}: pairwise precision {precision:.4} recall {recall:.4} F {f:.4}, BCubed F {bcubed:.4}"
        );
    }
    Ok(())
}

fn labels(rows: &str, dimension: usize, neighbours: usize, thresholds: &[&str]) -> Done {
    let file = fs_err::read(rows)?;
    let rows: Vec<f32> = file.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
    for threshold in thresholds {
        let mut options = GroupOptions::at(Distance::new(threshold.parse()?)?);
        match neighbours {
            0 => options.all_pairs_up_to = usize::MAX,
            neighbours => (options.all_pairs_up_to, options.neighbours) = (0, neighbours),
        }
        let group = GroupFaces { rows: &rows, ..GroupFaces::default() };
        let found = Clustering::of(dimension, group, Knowledge::default(), options)?;
        let labels: Vec<String> = found.labels().iter().map(u32::to_string).collect();
        println!("{}", labels.join(" "));
    }
    Ok(())
}

/// Memory in use, in GiB, as Linux counts it.
fn memory() -> f64 {
    status("VmRSS:")
}

/// The most that was in use at once, in GiB.
fn peak() -> f64 {
    status("VmHWM:")
}

fn status(line: &str) -> f64 {
    let text = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = text.lines().find_map(|l| l.strip_prefix(line)?.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / f64::from(1 << 20)
}
