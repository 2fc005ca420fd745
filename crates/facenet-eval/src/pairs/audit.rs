//! What is odd in a pairs file, though it can be measured: duplicates, and people in several folds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{ImageRef, PairsFile};

/// What is odd in a pairs file. Nothing is left out because of it; whoever reports figures says it beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PairsAudit {
    /// Pairs that are listed more than once, in either order of their images, with how often; sorted. They count as
    /// often as they are listed, as in the field's programs.
    pub duplicates: Vec<(ImageRef, ImageRef, usize)>,
    /// People in more than one fold, sorted: a threshold is then tested on people that it was chosen on.
    pub people_in_several_folds: Vec<String>,
}

impl PairsFile {
    /// Looks for duplicates and for people in several folds.
    pub fn audit(&self) -> PairsAudit {
        let mut times: BTreeMap<(&ImageRef, &ImageRef), usize> = BTreeMap::new();
        let mut folds: HashMap<&str, usize> = HashMap::new();
        let mut several = BTreeSet::new();
        for (fold, pairs) in self.folds.iter().enumerate() {
            for pair in pairs {
                let ordered = ((&pair.left).min(&pair.right), (&pair.left).max(&pair.right));
                *times.entry(ordered).or_default() += 1;
                for person in [pair.left.person(), pair.right.person()] {
                    if *folds.entry(person).or_insert(fold) != fold {
                        several.insert(person.to_owned());
                    }
                }
            }
        }
        let listed_again = times.into_iter().filter(|&(_, times)| times > 1);
        PairsAudit {
            duplicates: listed_again.map(|((l, r), n)| (l.clone(), r.clone(), n)).collect(),
            people_in_several_folds: several.into_iter().collect(),
        }
    }
}

impl PairsAudit {
    /// What is odd, a line each; empty when nothing is.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some((left, right, times)) = self.duplicates.first() {
            let more = self.duplicates.len() - 1;
            let more = if more == 0 { String::new() } else { format!(", and {more} more pairs") };
            warnings
                .push(format!("`{left}` and `{right}` are listed {times} times{more}: each listing counts"));
        }
        if let Some(person) = self.people_in_several_folds.first() {
            let more = self.people_in_several_folds.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" and {more} more people") };
            warnings.push(format!(
                "`{person}`{more} in several folds: thresholds are tested on people they were chosen on"
            ));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audit(text: &str) -> PairsAudit {
        PairsFile::parse(text, "pairs.txt".as_ref()).unwrap().audit()
    }

    #[test]
    fn a_file_in_order_gives_no_warning() {
        let found = audit("2 1\nada 1 2\nada 1 bob 1\ncyd 1 2\ncyd 1 dan 1\n");
        assert_eq!(found, PairsAudit::default());
        assert!(found.warnings().is_empty());
    }

    #[test]
    fn pairs_listed_again_are_found_in_either_order_and_each_counts() {
        let text = "3\nada 1 2\nada 2 1\nada 1 3\nada 1 bob 1\nbob 1 ada 1\nbob 1 ada 1\n";
        let found = audit(text);
        let counts: Vec<_> = found.duplicates.iter().map(|(l, r, n)| format!("{l} {r} {n}")).collect();
        assert_eq!(counts, ["ada/ada_0001 ada/ada_0002 2", "ada/ada_0001 bob/bob_0001 3"]);
        insta::assert_snapshot!(found.warnings().join("\n"), @"`ada/ada_0001` and `ada/ada_0002` are listed 2 times, and 1 more pairs: each listing counts");
    }

    #[test]
    fn people_in_two_folds_are_named() {
        let found = audit("2 1\nada 1 2\nada 1 bob 1\nbob 1 2\ncyd 1 ada 3\n");
        assert_eq!(found.people_in_several_folds, ["ada", "bob"]);
        insta::assert_snapshot!(found.warnings().join("\n"), @"`ada` and 1 more people in several folds: thresholds are tested on people they were chosen on");
    }
}
