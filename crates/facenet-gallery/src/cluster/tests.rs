use kodama::Method;
use proptest::prelude::*;

use super::*;

fn unit(values: &[f32]) -> Embedding {
    Embedding::normalize(values.to_vec()).unwrap()
}

/// A point of the unit circle.
fn at_degrees(degrees: f32) -> Embedding {
    unit(&[degrees.to_radians().cos(), degrees.to_radians().sin()])
}

fn options(threshold: f32, linkage: Linkage, cannot_link: &[(usize, usize)]) -> ClusterOptions {
    ClusterOptions {
        threshold: Distance::new(threshold).unwrap(),
        linkage,
        cannot_link: cannot_link.to_vec(),
        must_link: Vec::new(),
    }
}

/// The faces of each cluster, ascending.
fn partition(embeddings: &[Embedding], options: &ClusterOptions) -> Vec<Vec<usize>> {
    cluster(embeddings, options).unwrap().iter().map(|c| sorted(c.faces().collect())).collect()
}

#[test]
fn no_face_gives_no_cluster_and_one_face_stays_alone() {
    assert_eq!(cluster(&[], &ClusterOptions::at(Distance::MAX)).unwrap(), []);
    let alone = cluster(&[unit(&[1.0])], &ClusterOptions::at(Distance::MAX)).unwrap();
    assert_eq!(alone, [Cluster { members: vec![Member { face: 0, mean_distance: None }] }]);
    assert!(alone[0].is_alone());
}

#[test]
fn two_faces_exactly_at_the_threshold_are_one_person() {
    let faces = [unit(&[1.0, 0.0]), unit(&[0.0, 1.0])];
    for linkage in Linkage::ALL {
        assert_eq!(partition(&faces, &options(2.0, linkage, &[])), [[0, 1]], "{linkage}");
        assert_eq!(partition(&faces, &options(2.0f32.next_down(), linkage, &[])), [[0], [1]], "{linkage}");
    }
}

#[test]
fn identical_faces_are_one_person_at_threshold_zero() {
    let face = unit(&[0.3, -0.2, 0.9]);
    let faces = [face.clone(), unit(&[1.0, 0.0, 0.0]), face.clone(), face];
    for linkage in Linkage::ALL {
        assert_eq!(partition(&faces, &options(0.0, linkage, &[])), [vec![0, 2, 3], vec![1]], "{linkage}");
    }
}

#[test]
fn clusters_come_by_size_and_members_from_central_to_doubtful() {
    let faces = [200.0, 10.0, 100.0, 0.0, 101.0, 21.0].map(at_degrees);
    let clusters = cluster(&faces, &options(0.1, Linkage::Average, &[])).unwrap();
    let order: Vec<Vec<usize>> = clusters.iter().map(|c| c.faces().collect()).collect();
    assert_eq!(order, [vec![1, 3, 5], vec![2, 4], vec![0]]);

    let chord = |degrees: f32| 2.0 - 2.0 * degrees.to_radians().cos();
    let mean = |member: usize| clusters[0].members[member].mean_distance.unwrap();
    for (member, [one, other]) in [[10.0, 11.0], [10.0, 21.0], [11.0, 21.0]].into_iter().enumerate() {
        // Rounded sines and cosines near 1.
        assert!((mean(member).value() - (chord(one) + chord(other)) / 2.0).abs() < 1e-6);
    }
    assert!(clusters[0].members[2].is_doubtful(mean(0)));
    assert!(!clusters[0].members[0].is_doubtful(mean(0)), "exactly at the threshold is not doubtful");
}

#[test]
fn a_chain_of_look_alikes_is_one_person_for_single_linkage_only() {
    let faces = [0.0, 30.0, 61.0, 93.0].map(at_degrees);
    let chord = |degrees: f32| 2.0 - 2.0 * degrees.to_radians().cos();
    let at = chord(40.0);
    assert_eq!(partition(&faces, &options(at, Linkage::Single, &[])), [[0, 1, 2, 3]]);
    for linkage in [Linkage::Average, Linkage::Complete, Linkage::Ward] {
        assert_eq!(partition(&faces, &options(at, linkage, &[])), [[0, 1], [2, 3]], "{linkage}");
    }
}

#[test]
fn faces_of_one_photo_are_kept_apart_even_through_others() {
    let faces = [0.0, 2.0, 3.0].map(at_degrees);
    for linkage in Linkage::ALL {
        let apart = |pairs| partition(&faces, &options(4.0, linkage, pairs));
        assert_eq!(apart(&[(0, 2)]), [vec![1, 2], vec![0]], "{linkage}");
        assert_eq!(apart(&[(1, 0), (0, 1), (2, 1)]), [vec![0, 2], vec![1]], "{linkage}");
        assert_eq!(apart(&[(0, 1), (0, 2), (1, 2)]), [[0], [1], [2]], "{linkage}");
    }
}

#[test]
fn pairs_are_made_of_faces_of_the_same_photo() {
    assert_eq!(pairs_in_one_photo(&["a", "b", "a", "c", "a", "b"]), [(0, 2), (0, 4), (2, 4), (1, 5)]);
    assert_eq!(pairs_in_one_photo::<&str>(&[]), []);
}

#[test]
fn what_cannot_be_clustered_is_named() {
    let message = |faces: &[Embedding], pairs: &[(usize, usize)]| {
        cluster(faces, &options(1.0, Linkage::Average, pairs)).unwrap_err().to_string()
    };
    let two = [unit(&[1.0, 0.0]), unit(&[0.0, 1.0])];
    insta::assert_snapshot!(message(&vec![unit(&[1.0]); MAX_FACES + 1], &[]), @"
    the distances of 30001 faces would take 1.7 GiB: at most 30000 faces are clustered at once
    hint: cluster fewer images at a time
    ");
    insta::assert_snapshot!(
        message(&[unit(&[1.0, 0.0]), unit(&[1.0])], &[]),
        @"face 1 has 1 coordinates, but face 0 has 2: they come from different models"
    );
    for (pair, expected) in [
        ((0, 2), "faces 0 and 2 are no pair: expected two different faces below 2"),
        ((1, 1), "faces 1 and 1 are no pair: expected two different faces below 2"),
    ] {
        assert_eq!(message(&two, &[pair]), expected);
    }
}

/// The dissimilarity of two clusters by the words of its definition, in f64; infinite across a pair that is kept apart.
fn defined(linkage: Linkage, a: &[usize], b: &[usize], points: &[Vec<f64>], apart: &[(usize, usize)]) -> f64 {
    let square = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
    let pairs: Vec<(usize, usize)> = a.iter().flat_map(|&i| b.iter().map(move |&j| (i, j))).collect();
    if pairs.iter().any(|&(i, j)| apart.contains(&(i, j)) || apart.contains(&(j, i))) {
        return f64::INFINITY;
    }
    let distances = pairs.iter().map(|&(i, j)| square(&points[i], &points[j]));
    match linkage {
        Linkage::Average => distances.sum::<f64>() / pairs.len() as f64,
        Linkage::Complete => distances.fold(0.0, f64::max),
        Linkage::Single => distances.fold(f64::INFINITY, f64::min),
        Linkage::Ward => {
            let mean = |c: &[usize]| -> Vec<f64> {
                let coordinate = |d| c.iter().map(|&i| points[i][d]).sum::<f64>() / c.len() as f64;
                (0..points[0].len()).map(coordinate).collect()
            };
            let (m, n) = (a.len() as f64, b.len() as f64);
            2.0 * m * n / (m + n) * square(&mean(a), &mean(b))
        }
    }
}

/// Always joins the closest pair; `None` when a decision is too close to call in f32.
fn oracle(points: &[Vec<f64>], options: &ClusterOptions) -> Option<Vec<Vec<usize>>> {
    let threshold = f64::from(options.threshold.value());
    let mut clusters: Vec<Vec<usize>> = (0..points.len()).map(|i| vec![i]).collect();
    loop {
        let mut pairs = Vec::new();
        for i in 0..clusters.len() {
            for j in i + 1..clusters.len() {
                let d = defined(options.linkage, &clusters[i], &clusters[j], points, &options.cannot_link);
                pairs.push((d, i, j));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        if pairs.iter().any(|p| (p.0 - threshold).abs() < 1e-5) {
            return None;
        }
        match pairs[..] {
            [(d, ..), (next, ..), ..] if d <= threshold && next - d < 1e-5 => return None,
            [(d, i, j), ..] if d <= threshold => {
                let joined = clusters.remove(j);
                clusters[i].extend(joined);
            }
            _ => break,
        }
    }
    let mut clusters: Vec<Vec<usize>> = clusters.into_iter().map(sorted).collect();
    clusters.sort_by_key(|faces| (std::cmp::Reverse(faces.len()), faces[0]));
    Some(clusters)
}

fn linkages() -> impl Strategy<Value = Linkage> {
    prop::sample::select(Linkage::ALL.to_vec())
}

fn faces(count: std::ops::Range<usize>, dimension: usize) -> impl Strategy<Value = Vec<Embedding>> {
    let face = prop::collection::vec(-1.0f32..1.0, dimension)
        .prop_filter_map("no direction", |values| Embedding::normalize(values).ok());
    prop::collection::vec(face, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn clusters_are_those_of_always_joining_the_closest_pair(
        embeddings in faces(0..14, 3),
        linkage in linkages(),
        threshold in 0.0f32..4.0,
        pairs in prop::collection::vec((0usize..14, 0usize..14), 0..8),
    ) {
        let pairs: Vec<_> = pairs.into_iter().filter(|(a, b)| a != b && *a.max(b) < embeddings.len()).collect();
        let options = options(threshold, linkage, &pairs);
        let wide = |e: &Embedding| e.as_slice().iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let points: Vec<Vec<f64>> = embeddings.iter().map(wide).collect();
        let Some(expected) = oracle(&points, &options) else { return Ok(()) };
        prop_assert_eq!(partition(&embeddings, &options), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn clusters_are_those_of_kodama(embeddings in faces(2..120, 4), linkage in linkages(), threshold in 0.0f32..4.0) {
        let count = embeddings.len();
        let mut matrix = Vec::new();
        for i in 0..count {
            for j in i + 1..count {
                let squared = f64::from(embeddings[i].distance(&embeddings[j]).value());
                // Kodama takes plain distances for Ward, and squares them itself.
                matrix.push(if linkage == Linkage::Ward { squared.sqrt() } else { squared });
            }
        }
        let (method, square) = match linkage {
            Linkage::Average => (Method::Average, false),
            Linkage::Complete => (Method::Complete, false),
            Linkage::Single => (Method::Single, false),
            Linkage::Ward => (Method::Ward, true),
        };
        let dendrogram = kodama::linkage(&mut matrix, count, method);
        let mut clusters: Vec<Vec<usize>> = (0..count).map(|i| vec![i]).collect();
        for step in dendrogram.steps() {
            let height = if square { step.dissimilarity * step.dissimilarity } else { step.dissimilarity };
            if (height - f64::from(threshold)).abs() < 1e-5 {
                return Ok(());
            }
            let joined = if height < f64::from(threshold) {
                let [a, b] = [step.cluster1, step.cluster2].map(|c| std::mem::take(&mut clusters[c]));
                [a, b].concat()
            } else {
                vec![]
            };
            clusters.push(joined);
        }
        let mut expected: Vec<Vec<usize>> = clusters.into_iter().filter(|c| !c.is_empty()).map(sorted).collect();
        expected.sort_by_key(|faces| (std::cmp::Reverse(faces.len()), faces[0]));
        prop_assert_eq!(partition(&embeddings, &options(threshold, linkage, &[])), expected);
    }

    #[test]
    fn equal_distances_end_and_every_face_is_in_one_cluster(
        corners in prop::collection::vec((0usize..3, prop::bool::ANY), 0..40),
        linkage in linkages(),
        threshold in prop::sample::select(vec![0.0f32, 2.0, 3.0, 4.0]),
    ) {
        let corner = |&(axis, negative): &(usize, bool)| {
            let mut values = [0.0; 3];
            values[axis] = if negative { -1.0 } else { 1.0 };
            unit(&values)
        };
        let embeddings: Vec<Embedding> = corners.iter().map(corner).collect();
        let options = options(threshold, linkage, &[]);
        let clusters = partition(&embeddings, &options);
        prop_assert_eq!(sorted(clusters.concat()), (0..corners.len()).collect::<Vec<_>>());
        prop_assert_eq!(clusters, partition(&embeddings, &options));
    }
}
