//! Does an old gallery work with a new model? Figure 8 of the paper: old with old, new with old, new with new (Schroff et
//! al. 2015, §7), and identification while a gallery is upgraded.

mod table;
mod upgrade;

use std::collections::HashMap;

use facenet_core::{Embedding, HarmonicMeasure};
use serde::{Deserialize, Serialize};

pub use self::upgrade::{SHARES, UpgradedGallery, upgraded_galleries};
use crate::{
    Bootstrap, Comparison, ImageRef, NamedPair, NotMeasurable, NotTheSamePairs, PairsFile, PeopleNumbers,
    Roc, ScoredPairs, VerificationReport,
};

/// The embeddings of a pairs file's images, by each model.
#[derive(Debug, Clone, Default)]
pub struct HarmonicEmbeddings {
    /// By the old model.
    pub old: HashMap<ImageRef, Embedding>,
    /// The old ones as a new one is compared with them: as they are, or taken into the new space by an adapter.
    pub stored: HashMap<ImageRef, Embedding>,
    /// By the new model.
    pub new: HashMap<ImageRef, Embedding>,
    /// By a new model that was trained without regard to the old one; empty without such.
    pub independent: HashMap<ImageRef, Embedding>,
}

/// The names of what is measured.
#[derive(Debug, Clone, Copy)]
pub struct HarmonicNames<'a> {
    /// Of the old model.
    pub old: &'a str,
    /// Of the new model.
    pub new: &'a str,
    /// Of the independent new model; none without such.
    pub independent: Option<&'a str>,
    /// Of the data.
    pub data: &'a str,
}

/// What was found; its `Display` is a table for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarmonicReport {
    /// Both faces by the old model.
    pub old: VerificationReport,
    /// The first face of a pair by the new model, the second by the old one.
    pub mixed: VerificationReport,
    /// Both faces by the new model.
    pub new: VerificationReport,
    /// Both faces by the independent new model.
    pub independent: Option<VerificationReport>,
    /// What an old gallery gains by new probes: mixed against old.
    pub gain: Comparison,
    /// What the new model loses by being harmonic: new against independent.
    pub cost: Option<Comparison>,
    /// Identification in a gallery of which a part is upgraded.
    pub upgrade: Vec<UpgradedGallery>,
}

/// Why it cannot be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum HarmonicError {
    /// No pairs.
    #[error("too few pairs have embeddings of all models")]
    Pairs(#[from] NotMeasurable),
    /// Never for pairs that all models have.
    #[error(transparent)]
    Differ(#[from] NotTheSamePairs),
}

/// Pairs with the distances of one kind.
struct Kind<'a> {
    named: Vec<NamedPair<'a>>,
    scored: ScoredPairs,
}

/// The curves of the report's picture, in its order.
pub struct HarmonicCurves {
    /// Name and ROC.
    pub curves: Vec<(String, Roc)>,
}

impl HarmonicReport {
    /// Measures the pairs that all models have embeddings of, with intervals from `draws` draws of their people.
    ///
    /// # Errors
    /// When there are no such pairs of both kinds.
    pub fn measure(
        names: HarmonicNames<'_>,
        pairs: &PairsFile,
        embeddings: &HarmonicEmbeddings,
        draws: u32,
        seed: u64,
    ) -> Result<(Self, HarmonicCurves), HarmonicError> {
        let HarmonicEmbeddings { old, stored, new, independent } = embeddings;
        let has = |image: &ImageRef| {
            let known = old.contains_key(image) && stored.contains_key(image) && new.contains_key(image);
            known && (independent.is_empty() || independent.contains_key(image))
        };
        let kind = |left: &HashMap<ImageRef, Embedding>, right: &HashMap<ImageRef, Embedding>| {
            let distance =
                |a: &ImageRef, b: &ImageRef| (has(a) && has(b)).then(|| left[a].distance(&right[b]));
            Ok::<_, NotMeasurable>(Kind { named: pairs.named(distance), scored: pairs.score(distance)? })
        };
        let (old_old, new_old, new_new) = (kind(old, old)?, kind(new, stored)?, kind(new, new)?);
        let alone = if independent.is_empty() { None } else { Some(kind(independent, independent)?) };

        let mixed_name = format!("{} with {}", names.new, names.old);
        let independent_name = names.independent.unwrap_or("independent");
        let report =
            |name: &str, kind: &Kind<'_>| VerificationReport::measure(name, names.data, &kind.scored);
        let compare = |first: (&str, &Kind<'_>), second: (&str, &Kind<'_>)| {
            let people = PeopleNumbers::of(&first.1.named);
            let bootstrap = Bootstrap::new(people.len(), draws, seed);
            let (pairs, others) = (people.pairs(&first.1.named), people.pairs(&second.1.named));
            Comparison::of([first.0, second.0], &pairs, &others, &bootstrap)
        };
        let gain = compare((&mixed_name, &new_old), (names.old, &old_old))?;
        let cost = alone
            .as_ref()
            .map(|alone| compare((names.new, &new_new), (independent_name, alone)))
            .transpose()?;

        let mut curves = vec![
            (names.old.to_owned(), Roc::of(&old_old.scored)),
            (mixed_name.clone(), Roc::of(&new_old.scored)),
            (names.new.to_owned(), Roc::of(&new_new.scored)),
        ];
        curves.extend(alone.iter().map(|alone| (independent_name.to_owned(), Roc::of(&alone.scored))));
        let measured = Self {
            old: report(names.old, &old_old),
            mixed: report(&mixed_name, &new_old),
            new: report(names.new, &new_new),
            independent: alone.as_ref().map(|alone| report(independent_name, alone)),
            gain,
            cost,
            upgrade: Vec::new(),
        };
        Ok((measured, HarmonicCurves { curves }))
    }

    /// What a contract says of it; none where there are no folds to take accuracies over.
    pub fn statement(&self) -> Option<HarmonicMeasure> {
        let accuracy = |report: &VerificationReport| report.accuracy.as_ref().map(|found| found.mean);
        Some(HarmonicMeasure {
            old: accuracy(&self.old)?,
            mixed: accuracy(&self.mixed)?,
            new: accuracy(&self.new)?,
            data: self.old.data.clone(),
        })
    }

    /// The report as indented JSON.
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("a report holds text and finite numbers only");
        json + "\n"
    }
}

/// The pairs of new with stored embeddings, to calibrate thresholds between the two on.
///
/// # Errors
/// When there are too few.
pub fn mixed_pairs(pairs: &PairsFile, embeddings: &HarmonicEmbeddings) -> Result<ScoredPairs, NotMeasurable> {
    pairs.score(|left, right| Some(embeddings.new.get(left)?.distance(embeddings.stored.get(right)?)))
}

#[cfg(test)]
mod tests;
