//! Grouping the faces of the gallery by person.
//!
//! Clustering thousands of faces takes seconds, during which others shall read and write. So the gallery is read, let go,
//! clustered, and asked again: if it still holds the same faces and the same words of the user, the groups are written;
//! otherwise it begins anew, the last time without letting go.

use facenet_core::Distance;
use facenet_gallery::{
    FaceId, GroupOptions, Regrouped, Store, StoreError, Ungrouped, Why, all_faces, regroup,
};
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

/// Groups all faces, at this threshold.
pub(super) async fn run(app: &App, job: &Job, threshold: Distance) -> Result<Value, ApiError> {
    let desk = app.gallery()?;
    job.expect(3);
    for _ in 0..TRIES {
        let asked = desk.change(look).await?;
        job.advance(1);
        job.check()?;
        let clustering = tokio::task::spawn_blocking(move || {
            let groups = cluster(&asked, threshold)?;
            Ok((asked, groups))
        });
        let clustered: Result<(Ungrouped, Groups), ApiError> =
            clustering.await.unwrap_or_else(|_| Err(ApiError::Internal("clustering panicked".into())));
        let (asked, groups) = clustered?;
        job.advance(1);
        job.check()?;
        if let Some((done, questions)) = desk.change(move |store| write(store, &asked, groups)).await? {
            job.advance(1);
            return Ok(finish(app, &done, questions));
        }
        job.begin_again();
    }
    let (done, questions) = desk.change(move |store| hold(store, threshold)).await?;
    job.advance(3);
    Ok(finish(app, &done, questions))
}

fn finish(app: &App, done: &Regrouped, questions: Vec<Question>) -> Value {
    let count = questions.len();
    app.jobs.set_questions(questions);
    json!({
        "faces": done.faces,
        "people": done.people,
        "new_people": done.new_people,
        "alone": done.alone,
        "questions": count,
    })
}

/// What would be clustered; nothing is changed.
fn look(store: &mut dyn Store) -> Result<Ungrouped, ApiError> {
    let seen = regroup(store, |faces| Err(Broken::Seen(Box::new(faces.clone()))));
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
    asked: &Ungrouped,
    groups: Groups,
) -> Result<Option<(Regrouped, Vec<Question>)>, ApiError> {
    let questions = groups.questions;
    let groups = groups.groups;
    let done = regroup(store, |faces| if faces == asked { Ok(groups) } else { Err(Broken::Changed) });
    match done {
        Ok(done) => Ok(Some((done, named(store, &questions)?))),
        Err(Broken::Changed) => Ok(None),
        Err(Broken::Failed(error)) => Err(error),
        Err(Broken::Seen(_)) => Err(ApiError::Internal("a gallery was only looked at".into())),
    }
}

/// Clusters and writes without letting the gallery go.
fn hold(store: &mut dyn Store, threshold: Distance) -> Result<(Regrouped, Vec<Question>), ApiError> {
    let asked = look(store)?;
    let groups = cluster(&asked, threshold)?;
    let changed = || ApiError::Internal("another program keeps changing the gallery".into());
    write(store, &asked, groups)?.ok_or_else(changed)
}

fn cluster(asked: &Ungrouped, threshold: Distance) -> Result<Groups, ApiError> {
    let clustering = asked.by_average(GroupOptions::at(threshold));
    let clustering =
        clustering.map_err(|error| ApiError::Internal(format!("the faces cannot be clustered: {error}")))?;
    let questions = clustering.suggestions().into_iter();
    Ok(Groups {
        groups: clustering.clusters().iter().map(|cluster| cluster.faces().collect()).collect(),
        questions: questions.map(|asked| ((asked.a, asked.b), asked.distance, words(asked.why))).collect(),
    })
}

/// The questions, about faces instead of indices.
fn named(
    store: &dyn Store,
    questions: &[((usize, usize), Distance, &'static str)],
) -> Result<Vec<Question>, ApiError> {
    let faces: Vec<FaceId> = all_faces(store)?.iter().map(|face| face.id).collect();
    let named = |&((a, b), distance, why): &((usize, usize), Distance, &'static str)| Question {
        faces: (faces[a], faces[b]),
        distance,
        why,
    };
    Ok(questions.iter().map(named).collect())
}

fn words(why: Why) -> &'static str {
    match why {
        Why::SomeAlike => "some-alike",
        Why::JustBeyond => "just-beyond",
        Why::Poor => "poor",
    }
}
