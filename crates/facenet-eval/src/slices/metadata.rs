//! What is known of people or images: a CSV table.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::ImageRef;

/// Headings of a column that names people, and of one that names images.
const PERSON_HEADINGS: [&str; 5] = ["person", "name", "identity", "subject", "people"];
const IMAGE_HEADINGS: [&str; 4] = ["image", "file", "path", "filename"];

/// A column of numbers with more values than this is cut into four groups.
const MOST_NUMBERS: usize = 8;

/// A column of words with more values than this tells images apart, not groups.
const MOST_GROUPS: usize = 20;

/// A table of people or images, all cells as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    columns: Vec<Column>,
    left_out: Vec<String>,
}

/// One column: which group each person or image is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    key: Key,
    groups: Vec<String>,
    group_of: HashMap<String, usize>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Person,
    /// By the file's name without folder and ending.
    Image,
}

/// Why a table was refused.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The file could not be read or is no CSV table.
    #[error("cannot read the table `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: csv::Error,
    },
    /// No column says what the rows are about.
    #[error(
        "`{path}` has the columns {found}, expected one called `person` or `image` among them\n\
         hint: call the column `person` that holds the names of the folders, or `image` the one with file names"
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The headings.
        found: String,
    },
    /// Two rows disagree.
    #[error("`{path}`, line {line}: `{key}` has a second row with another `{column}`, expected one row each")]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// The second row's line, from 1.
        line: u64,
        /// The person or image.
        key: String,
        /// The column in which they differ.
        column: String,
    },
}

impl Metadata {
    /// Reads a table whose first line holds headings: see [`parse`](Self::parse).
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, MetadataError> {
        let read = |source: std::io::Error| MetadataError::Read { path: path.into(), source: source.into() };
        Self::parse(&fs_err::read(path).map_err(read)?, path)
    }

    /// Reads a table: a column called `image` (`file`, `path`, `filename`) or else `person` (`name`, `identity`,
    /// `subject`, `people`) says what a row is about, every other column makes groups.
    ///
    /// An image is named by its file, with or without folder and ending; a person by the name of the folder. An empty
    /// cell is no value. A column of numbers with more than eight values is cut into four groups of about as many
    /// rows; one of words with more than twenty values is [left out](Self::left_out). `path` is only named in errors.
    ///
    /// # Errors
    /// When it is no CSV table in UTF-8, has no column that names people or images, or contradicts itself.
    pub fn parse(text: &[u8], path: &Path) -> Result<Self, MetadataError> {
        let failed = |source| MetadataError::Read { path: path.into(), source };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text); // editors on Windows write a byte order mark
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let headings: Vec<String> = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
        let (key, key_at) = find_key(&headings, path)?;

        let mut rows: Vec<HashMap<String, String>> = vec![HashMap::new(); headings.len()];
        for record in reader.records() {
            let record = record.map_err(failed)?;
            let line = record.position().map_or(0, csv::Position::line);
            let name = key.normalize(&record[key_at]);
            for (at, cell) in record.iter().enumerate().filter(|&(at, cell)| at != key_at && !cell.is_empty())
            {
                let before = rows[at].insert(name.clone(), cell.to_owned());
                if before.is_some_and(|before| before != cell) {
                    let column = headings[at].clone();
                    return Err(MetadataError::Contradiction { path: path.into(), line, key: name, column });
                }
            }
        }
        let mut table = Self { columns: Vec::new(), left_out: Vec::new() };
        for (at, (name, cells)) in headings.into_iter().zip(rows).enumerate() {
            match Column::of(&name, key, &cells) {
                Some(column) => table.columns.push(column),
                None if at == key_at => {}
                None => table.left_out.push(name),
            }
        }
        Ok(table)
    }

    /// The columns that make groups, in the table's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The headings of columns that make no groups: without any value, or with more than twenty.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }
}

impl Column {
    /// None when the cells make no groups.
    fn of(name: &str, key: Key, cells: &HashMap<String, String>) -> Option<Self> {
        let values: BTreeSet<&str> = cells.values().map(String::as_str).collect();
        let numbers: Option<Vec<f64>> = values.iter().map(|value| number(value)).collect();
        let group: Box<dyn Fn(&str) -> String> = match numbers {
            _ if values.is_empty() => return None,
            Some(_) if values.len() > MOST_NUMBERS => {
                let ranges = quarters(cells.values().filter_map(|cell| number(cell)).collect());
                Box::new(move |cell| range_of(&ranges, cell))
            }
            None if values.len() > MOST_GROUPS => return None,
            _ => Box::new(str::to_owned),
        };
        let mut groups: Vec<String> =
            cells.values().map(|cell| group(cell)).collect::<BTreeSet<_>>().into_iter().collect();
        groups.sort_by(|a, b| leading_number(a).total_cmp(&leading_number(b)).then_with(|| a.cmp(b)));
        let place: HashMap<&str, usize> = groups.iter().map(String::as_str).zip(0..).collect();
        let group_of = cells.iter().map(|(name, cell)| (name.clone(), place[group(cell).as_str()])).collect();
        Some(Self { name: name.into(), key, groups, group_of })
    }

    /// The heading.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups' names: words by the alphabet, numbers by size.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The place in [`groups`](Self::groups) of the group that `image` is in; none when it has no value.
    pub fn group_of(&self, image: &ImageRef) -> Option<usize> {
        let name = match self.key {
            Key::Person => image.person().to_owned(),
            Key::Image => self.key.normalize(&image.to_string()),
        };
        self.group_of.get(&name).copied()
    }
}

impl Key {
    fn normalize(self, name: &str) -> String {
        match self {
            Self::Person => name.to_owned(),
            Self::Image => {
                let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
                let ending = [".jpg", ".jpeg", ".png", ".webp"].iter().find_map(|ending| {
                    let at = file.len().checked_sub(ending.len())?;
                    file.get(at..)?.eq_ignore_ascii_case(ending).then_some(at)
                });
                file[..ending.unwrap_or(file.len())].to_owned()
            }
        }
    }
}

fn find_key(headings: &[String], path: &Path) -> Result<(Key, usize), MetadataError> {
    let find = |names: &[&str]| headings.iter().position(|h| names.contains(&h.to_lowercase().as_str()));
    let image = find(&IMAGE_HEADINGS).map(|at| (Key::Image, at));
    image.or_else(|| find(&PERSON_HEADINGS).map(|at| (Key::Person, at))).ok_or_else(|| {
        let found = headings.iter().map(|heading| format!("`{heading}`")).collect::<Vec<_>>().join(", ");
        MetadataError::NoKey { path: path.into(), found }
    })
}

fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What a group's name sorts by first.
fn leading_number(group: &str) -> f64 {
    number(group.split('…').next().unwrap_or(group).trim()).unwrap_or(f64::INFINITY)
}

/// The first and last number of each quarter; equal numbers stay together, so there may be fewer.
fn quarters(mut numbers: Vec<f64>) -> Vec<(f64, f64)> {
    numbers.sort_unstable_by(f64::total_cmp);
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    for quarter in 1..=4 {
        let last = numbers[quarter * numbers.len() / 4 - 1];
        let begin = ranges.last().map_or(0, |&(_, end)| numbers.partition_point(|&number| number <= end));
        if numbers.get(begin).is_some_and(|&first| first <= last) {
            ranges.push((numbers[begin], last));
        }
    }
    ranges
}

fn range_of(ranges: &[(f64, f64)], cell: &str) -> String {
    let value = number(cell).expect("the column holds numbers only");
    let range = ranges.iter().find(|&&(_, last)| value <= last).expect("the last range ends at the largest");
    match *range {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} … {last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Metadata {
        Metadata::parse(text.as_bytes(), "people.csv".as_ref()).unwrap()
    }

    fn refusal(text: &str) -> String {
        Metadata::parse(text.as_bytes(), "people.csv".as_ref()).unwrap_err().to_string()
    }

    fn group<'a>(column: &'a Column, person: &str, number: u32) -> Option<&'a str> {
        let image = ImageRef::new(person, number).unwrap();
        column.group_of(&image).map(|group| column.groups()[group].as_str())
    }

    #[test]
    fn a_row_about_a_person_holds_for_all_their_images() {
        let table = parse("\u{feff}Person,sex,note\nada, f ,\nbob,m,\n\"O'Brien, C\",,\n");
        let [sex] = table.columns() else { panic!("{table:?}") };
        assert_eq!((sex.name(), sex.groups()), ("sex", &["f".to_owned(), "m".to_owned()][..]));
        assert_eq!((group(sex, "ada", 7), group(sex, "bob", 1)), (Some("f"), Some("m")));
        assert_eq!((group(sex, "O'Brien, C", 1), group(sex, "dan", 1)), (None, None));
        assert_eq!(table.left_out(), ["note"]);
    }

    #[test]
    fn a_row_about_an_image_names_its_file_with_or_without_folder_and_ending() {
        let table = parse("image,light\nada/ada_0001.JPG,day\nada_0002,night\n/x/ada_0003.webp,day\n");
        let light = &table.columns()[0];
        let found = [1, 2, 3, 4].map(|number| group(light, "ada", number));
        assert_eq!(found, [Some("day"), Some("night"), Some("day"), None]);
    }

    #[test]
    fn many_numbers_become_quarters_and_few_stay_as_they_are() {
        let rows: String = (1..=12).map(|i| format!("p{i},{i},{}\n", i % 3)).collect();
        let table = parse(&format!("person,age,tone\n{rows}"));
        let [age, tone] = table.columns() else { panic!("{table:?}") };
        assert_eq!(age.groups(), ["1 … 3", "4 … 6", "7 … 9", "10 … 12"]);
        assert_eq!((group(age, "p3", 1), group(age, "p4", 1)), (Some("1 … 3"), Some("4 … 6")));
        assert_eq!(tone.groups(), ["0", "1", "2"]);
    }

    #[test]
    fn equal_numbers_stay_in_one_quarter() {
        assert_eq!(
            quarters(vec![1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0]),
            [(1.0, 1.0), (2.0, 2.0), (3.0, 4.0)]
        );
        assert_eq!(quarters(vec![5.0; 4]), [(5.0, 5.0)]);
    }

    #[test]
    fn words_that_tell_everybody_apart_make_no_groups() {
        let rows: String = (0..21).map(|i| format!("p{i},word{i}\n")).collect();
        let table = parse(&format!("person,id\n{rows}"));
        assert_eq!((table.columns(), table.left_out()), (&[][..], &["id".to_owned()][..]));
    }

    #[test]
    fn tables_that_say_nothing_or_contradict_themselves_are_refused() {
        insta::assert_snapshot!(refusal("who,sex\nada,f\n"), @r"
        `people.csv` has the columns `who`, `sex`, expected one called `person` or `image` among them
        hint: call the column `person` that holds the names of the folders, or `image` the one with file names
        ");
        insta::assert_snapshot!(
            refusal("person,sex\nada,f\nada,m\n"),
            @"`people.csv`, line 3: `ada` has a second row with another `sex`, expected one row each"
        );
        assert_eq!(refusal("person,sex\nada\n"), "cannot read the table `people.csv`");
        assert!(refusal("").starts_with("`people.csv` has the columns "));
    }
}
