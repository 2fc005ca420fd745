//! Of whom are these the nearest faces, and when is the answer "nobody"?

use facenet_core::{Contract, Distance, Embedding, Threshold};

/// How the distances from a probe to a person's faces become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Template {
    /// The nearest face: finds a person by the one photo that is like the probe.
    #[default]
    Best,
    /// The mean of the faces' vectors, brought to unit length: one comparison a person, and a poor face hardly counts.
    Mean,
    /// The mean of the distances to all faces.
    All,
}

impl Template {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Best, Self::Mean, Self::All];

    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Mean => "mean",
            Self::All => "all",
        }
    }

    /// The distance from `probe` to a person with `faces`; none without faces, or when their mean has no direction.
    ///
    /// # Panics
    /// When the dimensions differ.
    pub fn distance(self, probe: &Embedding, faces: &[Embedding]) -> Option<Distance> {
        let each = || faces.iter().map(|face| probe.distance(face));
        match self {
            Self::Best => each().min(),
            Self::All if faces.is_empty() => None,
            Self::All => {
                let mean = each().map(|d| f64::from(d.value())).sum::<f64>() / faces.len() as f64;
                Some(Distance::new(mean as f32).expect("a mean of distances"))
            }
            Self::Mean => {
                let sum = |i: usize| faces.iter().map(|face| face.as_slice()[i]).sum();
                let mean = (0..probe.dimension()).map(sum).collect();
                let mean = Embedding::normalize(mean).ok().filter(|_| !faces.is_empty())?;
                Some(probe.distance(&mean))
            }
        }
    }
}

/// The share of searches for strangers that name somebody (FPIR), in `[0, 1]`, among `comparisons` faces or templates:
/// `1 - (1 - far)ⁿ`, where each alone is accepted with the probability `far`.
///
/// It takes comparisons of one probe for independent. They are not: faces of one person are alike, so for them count
/// people; and a poor probe is near many, so the true share is mostly lower.
pub fn false_positive_rate(far: f64, comparisons: u64) -> f64 {
    // Through logarithms: a small rate times many would vanish in `1 - far`.
    -((comparisons as f64) * (-far).ln_1p()).exp_m1()
}

/// The false accept rate that keeps to `fpir` among `comparisons`: `1 - (1 - fpir)^(1/n)`, about `fpir / n`; for no
/// comparison, 1.
pub fn far_for(fpir: f64, comparisons: u64) -> f64 {
    if comparisons == 0 { 1.0 } else { -((-fpir).ln_1p() / comparisons as f64).exp_m1() }
}

/// No threshold of the model is strict enough for a gallery of this size.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error(
    "among {comparisons} people, false answers to {fpir} of strangers need a false accept rate of {far:.1e}, but the \
     model's strictest threshold is calibrated to {strictest}{hint}",
    strictest = .strictest.map_or("none".to_owned(), |far| format!("{far:.1e}")),
    hint = .strictest.map_or(String::new(), |far| format!(
        "\nhint: with it, expect {:.1} % of strangers to get a name",
        100.0 * false_positive_rate(far, *comparisons)
    ))
)]
pub struct NotStrictEnough {
    /// The share of strangers that may get a name.
    pub fpir: f64,
    /// The comparisons.
    pub comparisons: u64,
    /// The false accept rate that it takes.
    pub far: f64,
    /// The strictest rate that the model is calibrated to.
    pub strictest: Option<f64>,
}

/// The model's loosest calibrated threshold with which at most a share of `fpir` of strangers get a name among
/// `comparisons` people, as [`false_positive_rate`] counts. Never extrapolated: a rate stricter than any measured is an
/// error.
///
/// # Errors
/// When no threshold is strict enough.
pub fn threshold_for_fpir(
    contract: &Contract,
    fpir: f64,
    comparisons: u64,
) -> Result<&Threshold, NotStrictEnough> {
    let far = far_for(fpir, comparisons);
    contract.threshold_at(far).ok_or_else(|| {
        let strictest = contract.thresholds.iter().map(|t| t.false_accept_rate).reduce(f64::min);
        NotStrictEnough { fpir, comparisons, far, strictest }
    })
}

#[cfg(test)]
mod tests {
    use facenet_core::Preprocessing;

    use super::*;

    fn unit(x: f32, y: f32) -> Embedding {
        Embedding::normalize(vec![x, y]).unwrap()
    }

    #[test]
    fn a_person_is_as_near_as_the_template_says() {
        let faces = [unit(1.0, 0.0), unit(0.0, 1.0)];
        let distance = |template: Template| template.distance(&unit(1.0, 0.0), &faces).unwrap().value();
        assert_eq!((distance(Template::Best), distance(Template::All)), (0.0, 1.0));
        // Half a right angle: 2 - 2 cos 45°.
        assert!((distance(Template::Mean) - (2.0 - 2f32.sqrt())).abs() < 1e-6);
        let names = Template::ALL.map(Template::name);
        assert_eq!(names, ["best", "mean", "all"]);
    }

    #[test]
    fn nobody_and_opposite_faces_have_no_template() {
        for template in Template::ALL {
            assert_eq!(template.distance(&unit(1.0, 0.0), &[]), None, "{template:?}");
        }
        assert_eq!(Template::Mean.distance(&unit(1.0, 0.0), &[unit(1.0, 0.0), unit(-1.0, 0.0)]), None);
    }

    #[test]
    fn false_answers_grow_with_the_people() {
        assert!((false_positive_rate(1e-3, 1) - 1e-3).abs() < 1e-12);
        assert!((false_positive_rate(0.5, 3) - 0.875).abs() < 1e-12);
        assert!((false_positive_rate(1e-9, 1_000_000) - 1e-3).abs() < 1e-6);
        assert_eq!((false_positive_rate(1e-3, 0), false_positive_rate(1.0, 5)), (0.0, 1.0));
        for people in [1, 10, 1_000_000] {
            assert!((false_positive_rate(far_for(0.01, people), people) - 0.01).abs() < 1e-9);
        }
        assert_eq!(far_for(0.01, 0), 1.0);
    }

    #[test]
    fn a_gallery_too_large_for_the_model_is_told_so() {
        let threshold = |distance, far| Threshold {
            distance: Distance::new(distance).unwrap(),
            false_accept_rate: far,
            data: "drawn".into(),
            interval: None,
        };
        let contract = Contract {
            network: "nn4".into(),
            dimension: 2,
            weights: "aa".into(),
            preprocessing: Preprocessing { version: 1, edge_px: 96, field: 0.875 },
            thresholds: vec![threshold(0.5, 1e-3), threshold(0.8, 1e-2)],
            calibration: None,
            mirrored: false,
            harmonic: Vec::new(),
        };
        let distance = |people| threshold_for_fpir(&contract, 0.01, people).map(|t| t.distance.value());
        assert_eq!((distance(1), distance(10)), (Ok(0.8), Ok(0.5)));
        insta::assert_snapshot!(distance(1000).unwrap_err(), @r"
        among 1000 people, false answers to 0.01 of strangers need a false accept rate of 1.0e-5, but the model's strictest threshold is calibrated to 1.0e-3
        hint: with it, expect 63.2 % of strangers to get a name
        ");
    }
}
