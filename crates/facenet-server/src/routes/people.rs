//! `/v1/people`: who is remembered, and what the user says about them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, Person, PersonId, Removal, Store, StoreError, Subject,
};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::{ApiError, Problems};
use crate::records::{DryRun, FaceJson, Page, Paging, PersonJson, RemovedJson};
use crate::routes::identify::FALSE_ACCEPT_RATE;
use crate::routes::removal::{Deleted, delete};
use crate::shapes::Choice;
use crate::touched::Touched;
use crate::upload::{Body, Id, Params};

/// Which people are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Only people with this tag.
    tag: Option<String>,
    /// Only people whose name has this in it, in upper or lower case.
    q: Option<String>,
    /// How many items at most, from 1 to 500; 100 by default.
    limit: Option<usize>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A person to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// The name; none while it is not known.
    name: Option<String>,
    /// Words to filter by.
    #[serde(default)]
    tags: Vec<String>,
}

/// What changes about a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonPatch {
    /// The new name; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// The new tags, in place of all.
    tags: Option<Vec<String>>,
}

/// Who the faces of a person are given to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The person who stays.
    into: i64,
}

/// Faces that are somebody else's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Split {
    /// The faces.
    faces: Vec<i64>,
    /// The name of a new person.
    name: Option<String>,
    /// The person whose they are, instead of a new one.
    into: Option<i64>,
}

/// A value that was given, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The people of the gallery, in the order of their identifiers.
#[utoipa::path(
    get, path = "/v1/people", tag = "people", params(Wanted),
    responses((status = 200, body = Page<PersonJson>), Problems)
)]
pub(crate) async fn list(
    State(app): State<App>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<PersonJson>>, ApiError> {
    let (limit, after) = Paging::new(wanted.limit, wanted.cursor).of()?;
    let part = wanted.q.unwrap_or_default().to_lowercase();
    let view = app.gallery()?.view().await?;
    let is_wanted = |person: &&Person| {
        let has_tag = wanted.tag.as_ref().is_none_or(|tag| person.tags.contains(tag));
        let has_part = part.is_empty() || person.label().to_lowercase().contains(&part);
        person.id.0 > after && has_tag && has_part
    };
    let people = view.people().filter(is_wanted);
    Ok(Json(Page::of(people, limit, |person| person.id.0, |person| PersonJson::of(person, &view))))
}

/// Adds a person.
#[utoipa::path(
    post, path = "/v1/people", tag = "people", request_body = NewPerson,
    responses((status = 201, body = PersonJson), Problems)
)]
pub(crate) async fn create(
    State(app): State<App>,
    Body(new): Body<NewPerson>,
) -> Result<(StatusCode, Extension<Touched>, Json<PersonJson>), ApiError> {
    check_tags(&new.tags)?;
    let id = app
        .gallery()?
        .change(move |store| {
            let id = store.add_people(&[new.name.as_deref()])?[0];
            let tags = retagged(store, id, &new.tags)?;
            if !tags.is_empty() {
                store.apply(EventKind::Tag, &tags)?;
            }
            Ok(id)
        })
        .await?;
    let (touched, json) = shown(&app, id).await?;
    Ok((StatusCode::CREATED, touched, json))
}

/// A person.
#[utoipa::path(
    get, path = "/v1/people/{id}", tag = "people", params(("id" = i64, Path)),
    responses((status = 200, body = PersonJson), Problems)
)]
pub(crate) async fn get(
    State(app): State<App>,
    Id(id): Id,
) -> Result<(Extension<Touched>, Json<PersonJson>), ApiError> {
    shown(&app, PersonId(id)).await
}

/// Renames or tags a person.
#[utoipa::path(
    patch, path = "/v1/people/{id}", tag = "people", params(("id" = i64, Path)), request_body = PersonPatch,
    responses((status = 200, body = PersonJson), Problems)
)]
pub(crate) async fn patch(
    State(app): State<App>,
    Id(id): Id,
    Body(patch): Body<PersonPatch>,
) -> Result<(Extension<Touched>, Json<PersonJson>), ApiError> {
    let id = PersonId(id);
    patch.tags.as_deref().map_or(Ok(()), check_tags)?;
    let change = move |store: &mut dyn Store| {
        need_person(store, id)?;
        let kind = if patch.name.is_some() { EventKind::Rename } else { EventKind::Tag };
        let mut changes: Vec<Change> = patch.name.map(|name| Change::Rename(id, name)).into_iter().collect();
        if let Some(tags) = patch.tags {
            changes.extend(retagged(store, id, &tags)?);
        }
        if changes.is_empty() { Ok(()) } else { Ok(store.apply(kind, &changes)?) }
    };
    app.gallery()?.change(change).await?;
    shown(&app, id).await
}

/// Deletes a person with all their faces and the photos that show nobody else, and every trace of them.
#[utoipa::path(
    delete, path = "/v1/people/{id}", tag = "people", params(("id" = i64, Path), DryRun),
    responses((status = 200, body = RemovedJson), Problems)
)]
pub(crate) async fn remove(
    State(app): State<App>,
    Id(id): Id,
    Params(dry_run): Params<DryRun>,
) -> Result<Deleted, ApiError> {
    delete(&app, Removal::People(vec![PersonId(id)]), dry_run).await
}

/// A person's faces: the surest first, the doubtful ones last.
#[utoipa::path(
    get, path = "/v1/people/{id}/faces", tag = "people", params(("id" = i64, Path), Paging),
    responses((status = 200, body = Page<FaceJson>), Problems)
)]
pub(crate) async fn faces(
    State(app): State<App>,
    Id(id): Id,
    Params(paging): Params<Paging>,
) -> Result<Json<Page<FaceJson>>, ApiError> {
    let (limit, after) = paging.of()?;
    let desk = app.gallery()?;
    let (view, keeps_crops) = (desk.view().await?, desk.settings().keeps_crops);
    let id = view.person(PersonId(id))?.id;
    let settings = desk.settings();
    let threshold = Choice::default().of(&settings.contract, FALSE_ACCEPT_RATE).ok().map(|t| t.distance);
    // They are in no order of their own, so that a page goes on by their place.
    let faces = (1i64..).zip(view.faces_by_doubt(id)).filter(|(place, _)| *place > after);
    let json = |(_, (face, distance))| FaceJson::of(face, keeps_crops).away(distance, threshold);
    Ok(Json(Page::of(faces, limit, |(place, _)| *place, json)))
}

/// Makes two people one: all faces and tags go to the other, and this one is no more.
#[utoipa::path(
    post, path = "/v1/people/{id}/merge", tag = "people", params(("id" = i64, Path)), request_body = Merge,
    responses((status = 200, body = PersonJson), Problems)
)]
pub(crate) async fn merge(
    State(app): State<App>,
    Id(id): Id,
    Body(Merge { into }): Body<Merge>,
) -> Result<(Extension<Touched>, Json<PersonJson>), ApiError> {
    if id == into {
        return Err(ApiError::BadValue("`into` is the same person".into()));
    }
    let (from, into) = (PersonId(id), PersonId(into));
    let change = move |store: &mut dyn Store| {
        need_person(store, from)?;
        need_person(store, into)?;
        Ok(store.apply(EventKind::Merge, &[Change::Merge(from, into)])?)
    };
    app.gallery()?.change(change).await?;
    shown(&app, into).await
}

/// Makes faces a person of their own, or gives them to another.
#[utoipa::path(
    post, path = "/v1/people/split", tag = "people", request_body = Split,
    responses((status = 201, body = PersonJson), Problems)
)]
pub(crate) async fn split(
    State(app): State<App>,
    Body(split): Body<Split>,
) -> Result<(StatusCode, Extension<Touched>, Json<PersonJson>), ApiError> {
    if split.faces.is_empty() {
        return Err(ApiError::BadValue("`faces` is empty".into()));
    }
    if split.name.is_some() && split.into.is_some() {
        return Err(ApiError::BadValue("`name` and `into` exclude each other".into()));
    }
    let change = move |store: &mut dyn Store| {
        let faces: Vec<FaceId> = split.faces.iter().copied().map(FaceId).collect();
        faces.iter().try_for_each(|face| store.face(*face).map(drop))?;
        let person = match split.into.map(PersonId) {
            Some(person) => need_person(store, person).map(|()| person)?,
            None => store.add_people(&[split.name.as_deref()])?[0],
        };
        let assign = |face: &FaceId| Change::Assign(*face, Some((person, AssignedBy::User)));
        store.apply(EventKind::Split, &faces.iter().map(assign).collect::<Vec<_>>())?;
        Ok(person)
    };
    let person = app.gallery()?.change(change).await?;
    let (touched, json) = shown(&app, person).await?;
    Ok((StatusCode::CREATED, touched, json))
}

async fn shown(app: &App, id: PersonId) -> Result<(Extension<Touched>, Json<PersonJson>), ApiError> {
    let view = app.gallery()?.view().await?;
    let person = view.person(id)?;
    Ok((Extension(Touched(vec![Subject::Person(id)])), Json(PersonJson::of(person, &view))))
}

/// An error unless all can be tags.
fn check_tags(tags: &[String]) -> Result<(), ApiError> {
    match tags.iter().find(|tag| tag.trim().is_empty() || tag.chars().any(char::is_control)) {
        Some(tag) => {
            Err(ApiError::BadValue(format!("`{tag}` cannot be a tag: expected some text in one line")))
        }
        None => Ok(()),
    }
}

/// What gives a person these tags and no others.
fn retagged(store: &dyn Store, id: PersonId, tags: &[String]) -> Result<Vec<Change>, StoreError> {
    let before = store.people()?.into_iter().find(|person| person.id == id).map(|person| person.tags);
    let before = before.unwrap_or_default();
    let gone = before.iter().filter(|tag| !tags.contains(tag)).map(|tag| Change::Untag(id, tag.clone()));
    let new = tags.iter().filter(|tag| !before.contains(tag)).map(|tag| Change::Tag(id, tag.clone()));
    Ok(gone.chain(new).collect())
}

/// An error unless the gallery has the person.
pub(crate) fn need_person(store: &dyn Store, id: PersonId) -> Result<(), ApiError> {
    let there = store.people()?.iter().any(|person| person.id == id);
    let missing = || StoreError::NoSuch { place: store.place().into(), subject: Subject::Person(id) };
    if there { Ok(()) } else { Err(missing().into()) }
}
