//! Grouping the faces of the gallery by person.
//!
//! Clustering thousands of faces takes seconds, during which others shall read and write. So the gallery is read, let go,
//! clustered, and asked again: if it still holds the same faces and the same words of the user, the groups are written;
//! otherwise it begins anew, the last time without letting go.

use facenet_core::Distance;
use facenet_gallery::{GroupOptions, Regrouped, Scope, Store, StoreError, Ungrouped, Why, regroup};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Job, Question};
use crate::app::App;
use crate::problem::ApiError;

/// How often the gallery may change meanwhile before it is held.
const TRIES: usize = 3;

/// The groups of what was asked, by index, and what is worth asking the user.
struct Groups {
    groups: Vec<Vec<usize>>,
    questions: Vec<((usize, usize), Distance, &'static str)>,
}

/// Why a regrouping was broken off.
enum Broken {
    /// Only to see what would be clustered.
    Seen(Box<Ungrouped>),
    /// The gallery has changed meanwhile.
    Changed,
    Failed(ApiError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// What to group.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Wanted {
    /// Up to which distance.
    pub(crate) threshold: Distance,
    /// Only faces that came since the last clustering, with whoever is near them.
    #[serde(default)]
    pub(crate) new_only: bool,
}

impl Wanted {
    fn options(self) -> GroupOptions {
        GroupOptions::at(self.threshold)
    }

    fn scope(self) -> Scope {
        if self.new_only { Scope::New(self.options()) } else { Scope::All }
    }
}

/// Groups faces.
pub(super) async fn run(app: &App, job: &Job, wanted: Wanted) -> Result<Value, ApiError> {
    let desk = app.gallery()?;
    job.expect(3);
    for _ in 0..TRIES {
        let asked = desk.change(move |store| look(store, wanted)).await?;
        job.advance(1);
        job.check()?;
        let clustering = tokio::task::spawn_blocking(move || {
            let groups = cluster(&asked, wanted)?;
            Ok((asked, groups))
        });
        let clustered: Result<(Ungrouped, Groups), ApiError> =
            clustering.await.unwrap_or_else(|_| Err(ApiError::Internal("clustering panicked".into())));
        let (asked, groups) = clustered?;
        job.advance(1);
        job.check()?;
        if let Some((done, questions)) =
            desk.change(move |store| write(store, wanted, &asked, groups)).await?
        {
            job.advance(1);
            return Ok(finish(app, wanted, &done, questions));
        }
        job.begin_again();
    }
    let (done, questions) = desk.change(move |store| hold(store, wanted)).await?;
    job.advance(3);
    Ok(finish(app, wanted, &done, questions))
}

fn finish(app: &App, wanted: Wanted, done: &Regrouped, questions: Vec<Question>) -> Value {
    let count = questions.len();
    if wanted.new_only {
        app.jobs.add_questions(questions);
    } else {
        app.jobs.set_questions(questions);
    }
    json!({
        "faces": done.faces,
        "new_faces": done.new_faces,
        "people": done.people,
        "new_people": done.new_people,
        "alone": done.alone,
        "questions": count,
    })
}

/// What would be clustered; nothing is changed.
fn look(store: &mut dyn Store, wanted: Wanted) -> Result<Ungrouped, ApiError> {
    let seen = regroup(store, wanted.scope(), |faces| Err(Broken::Seen(Box::new(faces.clone()))));
    match seen {
        Err(Broken::Seen(asked)) => Ok(*asked),
        Err(Broken::Failed(error)) => Err(error),
        Ok(_) | Err(Broken::Changed) => {
            Err(ApiError::Internal("a gallery was regrouped without groups".into()))
        }
    }
}

/// Writes the groups, if the gallery is still as it was asked.
fn write(
    store: &mut dyn Store,
    wanted: Wanted,
    asked: &Ungrouped,
    groups: Groups,
) -> Result<Option<(Regrouped, Vec<Question>)>, ApiError> {
    let questions = groups.questions;
    let groups = groups.groups;
    let same = |faces: &Ungrouped| if faces == asked { Ok(groups) } else { Err(Broken::Changed) };
    let done = regroup(store, wanted.scope(), same);
    match done {
        Ok(done) => Ok(Some((done, named(asked, &questions)))),
        Err(Broken::Changed) => Ok(None),
        Err(Broken::Failed(error)) => Err(error),
        Err(Broken::Seen(_)) => Err(ApiError::Internal("a gallery was only looked at".into())),
    }
}

/// Clusters and writes without letting the gallery go.
fn hold(store: &mut dyn Store, wanted: Wanted) -> Result<(Regrouped, Vec<Question>), ApiError> {
    let asked = look(store, wanted)?;
    let groups = cluster(&asked, wanted)?;
    let changed = || ApiError::Internal("another program keeps changing the gallery".into());
    write(store, wanted, &asked, groups)?.ok_or_else(changed)
}

fn cluster(asked: &Ungrouped, wanted: Wanted) -> Result<Groups, ApiError> {
    let clustering = asked.by_average(wanted.options());
    let clustering =
        clustering.map_err(|error| ApiError::Internal(format!("the faces cannot be clustered: {error}")))?;
    let questions = clustering.suggestions().into_iter();
    Ok(Groups {
        groups: clustering.clusters().iter().map(|cluster| cluster.faces().collect()).collect(),
        questions: questions.map(|asked| ((asked.a, asked.b), asked.distance, words(asked.why))).collect(),
    })
}

/// The questions, about faces instead of indices.
fn named(asked: &Ungrouped, questions: &[((usize, usize), Distance, &'static str)]) -> Vec<Question> {
    let named = |&((a, b), distance, why): &((usize, usize), Distance, &'static str)| Question {
        faces: (asked.faces[a], asked.faces[b]),
        distance,
        why,
    };
    questions.iter().map(named).collect()
}

fn words(why: Why) -> &'static str {
    match why {
        Why::SomeAlike => "some-alike",
        Why::JustBeyond => "just-beyond",
        Why::Poor => "poor",
    }
}
