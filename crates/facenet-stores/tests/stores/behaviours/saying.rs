//! What the user says about people and faces.

use facenet_core::{Distance, Embedding};
use facenet_gallery::{
    AssignedBy, Change, EventKind, FaceId, FaceRecord, Form, GroupOptions, NewPhoto, Person, PersonId,
    Regrouped, Scope, Store, StoreError, StoredEmbedding, Ungrouped, Verdict, regroup, remember_answer,
    take_back_answer,
};

use super::Kind;
use crate::drawn::{DIMENSION, photo};

pub(super) fn people_are_renamed_tagged_merged_and_names_are_unique(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let (ada, bert) = (PersonId(1), PersonId(2));
    let apply = |store: &mut dyn Store, change| store.apply(EventKind::Rename, &[change]);
    let taken = apply(&mut store, Change::Rename(bert, Some("Ada Lovelace".into())));
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    for name in ["", " ", "a\nb", "person:3"] {
        let refused = apply(&mut store, Change::Rename(bert, Some(name.into())));
        assert!(matches!(refused, Err(StoreError::NotAName { .. })), "{name}");
    }
    apply(&mut store, Change::Rename(ada, Some("Ada Lovelace".into()))).unwrap(); // her own
    // Two change names: one gives hers away first.
    let names = [
        Change::Rename(ada, None),
        Change::Rename(bert, Some("Ada Lovelace".into())),
        Change::Rename(ada, Some("\"B\" \\ %".into())),
    ];
    store.apply(EventKind::Rename, &names).unwrap();
    let named: Vec<_> = store.people().unwrap().into_iter().map(|person| person.name).collect();
    assert_eq!(named, [Some("\"B\" \\ %".into()), Some("Ada Lovelace".into())]);
    apply(&mut store, Change::Tag(bert, "poet".into())).unwrap();
    apply(&mut store, Change::Tag(bert, "poet".into())).unwrap();
    apply(&mut store, Change::Merge(bert, ada)).unwrap();
    let person = Person { id: ada, name: Some("\"B\" \\ %".into()), tags: vec!["poet".into()] };
    assert_eq!(store.people().unwrap(), [person]);
    let of_ada = |face: &FaceRecord| face.person == Some((ada, AssignedBy::User));
    assert_eq!(store.faces(FaceId(0), 9).unwrap().iter().filter(|face| of_ada(face)).count(), 4);
    apply(&mut store, Change::Untag(ada, "poet".into())).unwrap();
    assert_eq!(store.people().unwrap()[0].tags, Vec::<String>::new());
    assert!(matches!(apply(&mut store, Change::Merge(bert, ada)), Err(StoreError::NoSuch { .. })));
    apply(&mut store, Change::Rename(ada, Some("Ada Lovelace".into()))).unwrap(); // free again
}

pub(super) fn several_changes_are_made_all_or_none(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let changes = [Change::Tag(PersonId(1), "x".into()), Change::Tag(PersonId(7), "x".into())];
    store.apply(EventKind::Tag, &changes).unwrap_err();
    assert_eq!(store.people().unwrap()[0].tags, Vec::<String>::new());
    assert_eq!(store.events().unwrap().iter().filter(|event| event.kind == EventKind::Tag).count(), 0);
}

pub(super) fn an_answer_moves_a_face_and_taking_it_back_moves_it_back(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    let person = |store: &dyn Store, id: i64| store.face(FaceId(id)).unwrap().person;
    let before = person(&store, 3);
    remember_answer(&mut store, (FaceId(5), FaceId(1)), Verdict::Same).unwrap();
    assert_eq!(person(&store, 5), Some((PersonId(1), AssignedBy::User)));
    remember_answer(&mut store, (FaceId(4), FaceId(3)), Verdict::Different).unwrap();
    assert_eq!((person(&store, 4), person(&store, 3)), (Some((PersonId(2), AssignedBy::User)), None));
    let faces: Vec<_> = store.corrections().unwrap().iter().map(|c| c.faces).collect();
    assert_eq!(faces, [(FaceId(1), FaceId(5)), (FaceId(3), FaceId(4))]);

    assert_eq!(take_back_answer(&mut store).unwrap().unwrap().faces, (FaceId(3), FaceId(4)));
    assert_eq!(person(&store, 3), before);
    take_back_answer(&mut store).unwrap().unwrap();
    assert_eq!(person(&store, 5), None);
    assert_eq!(take_back_answer(&mut store).unwrap(), None);
}

pub(super) fn the_last_word_about_two_faces_counts(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    remember_answer(&mut store, (FaceId(1), FaceId(4)), Verdict::Same).unwrap();
    remember_answer(&mut store, (FaceId(4), FaceId(1)), Verdict::Different).unwrap();
    let verdicts: Vec<_> = store.corrections().unwrap().iter().map(|c| c.verdict).collect();
    assert_eq!(verdicts, [Verdict::Different]);
    assert!(remember_answer(&mut store, (FaceId(1), FaceId(99)), Verdict::Same).is_err());
}

/// Clusters all embeddings as one, whatever they are.
fn as_one(_: &Ungrouped) -> Result<Vec<Vec<usize>>, StoreError> {
    Ok(vec![vec![0, 1, 2, 3, 4]])
}

fn people(store: &dyn Store) -> Vec<Option<i64>> {
    store.faces(FaceId(0), 99).unwrap().iter().map(|face| face.person.map(|(id, _)| id.0)).collect()
}

pub(super) fn clustering_obeys_the_user_and_keeps_people_over_runs(kind: &mut dyn Kind) {
    let mut store = kind.filled();
    assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), None]);
    // Ada's faces and Bert's one are the user's word; faces 2 and 3 lie in one photo.
    let done = regroup(&mut store, Scope::All, as_one).unwrap();
    assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), Some(2)]);
    assert_eq!(done, Regrouped { faces: 5, new_faces: 1, people: 2, new_people: 0, alone: 0 });
    remember_answer(&mut store, (FaceId(1), FaceId(5)), Verdict::Different).unwrap();
    remember_answer(&mut store, (FaceId(4), FaceId(5)), Verdict::Different).unwrap();
    for _ in 0..2 {
        let done = regroup(&mut store, Scope::All, as_one).unwrap();
        assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2), None], "the words bind for ever");
        assert_eq!(done, Regrouped { faces: 5, new_faces: 1, people: 2, new_people: 0, alone: 1 });
    }
}

pub(super) fn new_people_have_no_name_stay_the_same_and_go_with_their_last_face(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
    store.add(&(1..=4).map(|seed| photo(&[seed], None)).collect::<Vec<_>>()).unwrap();
    let pairs = |groups: &[&[usize]]| -> Result<Vec<Vec<usize>>, StoreError> {
        Ok(groups.iter().map(|group| group.to_vec()).collect())
    };
    let done = regroup(&mut store, Scope::All, |_| pairs(&[&[0, 1], &[2, 3]])).unwrap();
    assert_eq!((done.new_people, store.people().unwrap().len()), (2, 2));
    let done = regroup(&mut store, Scope::All, |_| pairs(&[&[0, 1, 2, 3]])).unwrap();
    assert_eq!((done.new_people, store.people().unwrap()[0].id), (0, PersonId(1)));
    assert_eq!(store.people().unwrap().len(), 1);
    let done = regroup(&mut store, Scope::All, |_| pairs(&[&[0], &[1], &[2], &[3]])).unwrap();
    assert_eq!(done.people, 1, "one of them keeps the person that they were");
}

/// Adds photos of one face each, whose embeddings lie at these angles on a circle.
fn add_at(store: &mut dyn Store, degrees: &[f32], person: Option<PersonId>) {
    let first = store.counts().unwrap().faces as u32;
    let at = |(number, degrees): (u32, &f32)| -> NewPhoto {
        let mut values = vec![0.0; DIMENSION];
        (values[1], values[0]) = degrees.to_radians().sin_cos();
        let mut photo = photo(&[number], person);
        photo.faces[0].embedding = StoredEmbedding::of(&Embedding::normalize(values).unwrap(), Form::Float);
        photo
    };
    store.add(&(first..).zip(degrees).map(at).collect::<Vec<_>>()).unwrap();
}

/// Clusters by average linkage at 0.1, and gives what was looked at.
fn group(store: &mut dyn Store, only_new: bool) -> (Vec<i64>, Regrouped) {
    let options = GroupOptions::at(Distance::new(0.1).unwrap());
    let scope = if only_new { Scope::New(options) } else { Scope::All };
    let mut seen = Vec::new();
    let done = regroup(store, scope, |asked| -> Result<_, StoreError> {
        seen = asked.faces.iter().map(|face| face.0).collect();
        Ok(asked.by_average(options).unwrap().clusters().iter().map(|c| c.faces().collect()).collect())
    });
    (seen, done.unwrap())
}

pub(super) fn new_faces_join_or_open_people_and_the_others_stay_unseen(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
    add_at(&mut store, &[180.0, 300.0, 0.0, 2.0, 90.0, 90.5], None);
    group(&mut store, false);
    assert_eq!(people(&store), [None, None, Some(1), Some(1), Some(2), Some(2)]);
    add_at(&mut store, &[92.0, 181.0, 240.0], None);
    let (seen, done) = group(&mut store, true);
    assert_eq!(seen, [1, 5, 6, 7, 8, 9], "near nobody new are a person, and a face that was alone");
    assert_eq!(people(&store), [Some(3), None, Some(1), Some(1), Some(2), Some(2), Some(2), Some(3), None]);
    assert_eq!(done, Regrouped { faces: 6, new_faces: 4, people: 2, new_people: 1, alone: 1 });
    let events = store.events().unwrap().len();
    let (seen, done) = group(&mut store, true);
    assert_eq!(done, Regrouped { faces: 1, new_faces: 1, people: 0, new_people: 0, alone: 1 });
    assert_eq!((seen, store.events().unwrap().len()), (vec![9], events), "nothing was done");
    // The user's word binds: the face is looked at again, and does not come back.
    remember_answer(&mut store, (FaceId(5), FaceId(7)), Verdict::Different).unwrap();
    let (seen, done) = group(&mut store, true);
    assert_eq!((seen, done.new_faces, done.alone), (vec![5, 6, 7, 9], 2, 2));
    assert_eq!(people(&store)[4..], [Some(2), Some(2), None, Some(3), None]);
}

pub(super) fn a_new_face_brings_people_together_only_whom_the_user_did_not_name(kind: &mut dyn Kind) {
    let mut store = kind.gallery();
    add_at(&mut store, &[0.0, 0.5, 20.0, 20.5], None);
    group(&mut store, false);
    assert_eq!(people(&store), [Some(1), Some(1), Some(2), Some(2)]);
    add_at(&mut store, &[10.0], None);
    let (_, done) = group(&mut store, true);
    assert_eq!(done, Regrouped { faces: 5, new_faces: 1, people: 1, new_people: 0, alone: 0 });
    assert_eq!(people(&store), [people(&store)[0]; 5]);
    assert_eq!(store.people().unwrap().len(), 1, "the other has no name and no face");

    let named = store.add_people(&[Some("Ada"), Some("Bert")]).unwrap();
    add_at(&mut store, &[100.0, 100.5], Some(named[0]));
    add_at(&mut store, &[120.0, 120.5], Some(named[1]));
    add_at(&mut store, &[109.0], None);
    let (seen, _) = group(&mut store, true);
    assert_eq!(seen, [6, 7, 8, 9, 10]);
    let (ada, bert) = (Some(named[0].0), Some(named[1].0));
    assert_eq!(people(&store)[5..], [ada, ada, bert, bert, ada]);
}
