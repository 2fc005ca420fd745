//! What every store does.

mod keeping;
mod removing;
mod saying;
mod searching;
mod upgrading;

use std::path::PathBuf;

use facenet_gallery::{Form, Settings, SqliteStore, Store};

use crate::drawn;

/// A kind of store.
pub(crate) trait Kind {
    fn name(&self) -> &'static str;

    /// A new gallery.
    fn make(&mut self, settings: &Settings) -> Box<dyn Store>;

    /// The gallery that was made last, opened again.
    fn again(&self) -> Box<dyn Store>;
}

impl dyn Kind + '_ {
    fn gallery(&mut self) -> Box<dyn Store> {
        self.make(&drawn::settings(Form::Float))
    }

    fn filled(&mut self) -> Box<dyn Store> {
        let mut store = self.gallery();
        drawn::fill(&mut store);
        store
    }
}

type Behaviour = fn(&mut dyn Kind);

macro_rules! behaviours {
    ($($module:ident: $($name:ident),+;)+) => {
        /// All behaviours by their names.
        pub(crate) const BEHAVIOURS: &[(&str, Behaviour)] = &[$($((stringify!($name), $module::$name)),+),+];
    };
}

behaviours! {
    keeping:
        what_is_added_comes_back_also_after_opening_again,
        the_same_photo_twice_is_one_entry_and_both_of_its_files_are_known,
        a_gallery_keeps_no_paths_and_no_crops_if_it_shall_not,
        a_batch_with_one_wrong_photo_adds_none,
        what_is_not_there_is_said_for_any_number,
        a_copy_can_be_repeated_and_brings_everything,
        a_record_is_put_only_after_what_it_refers_to,
        one_changes_after_another;
    saying:
        people_are_renamed_tagged_merged_and_names_are_unique,
        several_changes_are_made_all_or_none,
        an_answer_moves_a_face_and_taking_it_back_moves_it_back,
        the_last_word_about_two_faces_counts,
        clustering_obeys_the_user_and_keeps_people_over_runs,
        new_faces_join_or_open_people_and_the_others_stay_unseen,
        a_new_face_brings_people_together_only_whom_the_user_did_not_name,
        new_people_have_no_name_stay_the_same_and_go_with_their_last_face;
    removing:
        a_person_goes_with_faces_crops_corrections_and_the_photos_of_nobody_else,
        a_photo_goes_and_its_people_stay_unless_they_shall_go_too,
        a_face_goes_and_adding_its_photo_again_does_not_bring_it_back,
        identifiers_are_never_given_twice,
        nothing_is_removed_when_one_does_not_exist,
        compacting_keeps_all;
    searching:
        the_nearest_faces_are_those_of_an_exact_search,
        faces_of_nobody_are_not_found;
    upgrading:
        an_upgrade_is_taken_back_to_the_last_byte,
        a_finished_upgrade_leaves_none_of_the_former_embeddings,
        an_adapter_takes_every_embedding_into_the_new_space,
        a_model_that_is_not_harmonic_comes_in_only_with_all_faces_embedded_anew,
        who_has_the_gallery_open_is_told_of_its_new_model;
}

/// Galleries in files.
pub(crate) struct Files {
    folder: tempfile::TempDir,
    made: usize,
}

impl Files {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), made: 0 }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.made.to_string())
    }
}

impl Kind for Files {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn make(&mut self, settings: &Settings) -> Box<dyn Store> {
        self.made += 1;
        Box::new(SqliteStore::create(&self.path(), settings).unwrap())
    }

    fn again(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path()).unwrap())
    }
}
