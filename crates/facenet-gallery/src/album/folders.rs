//! A folder a person, with copies of their photos.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::AlbumError;
use super::staging::Staging;
use crate::Cluster;

/// Copies the photos of `clusters` into folders in `output`: `person-001`, `person-002`, ... in the order of the
/// clusters, and those of faces that stayed alone together into `alone`.
///
/// `sources[i]` is the photo of face `i`. A photo of several people is copied to each of them, one with several faces
/// of the same person once. Of photos with the same name, letter case aside, the second becomes `NAME-2.jpg`, and so
/// on. Photos are copied, not linked: changing the album changes no original.
///
/// `output` must not exist or be an empty folder; it appears when everything is copied, or not at all. No clusters
/// give an empty folder.
///
/// # Errors
/// When `output` holds something or cannot be written, or a photo cannot be read.
///
/// # Panics
/// When a cluster names a face that has no source.
pub fn write_folders(clusters: &[Cluster], sources: &[PathBuf], output: &Path) -> Result<(), AlbumError> {
    check_free(output)?;
    let failed = |source| AlbumError::Write { path: output.into(), source };
    let staging = Staging::beside(output).map_err(failed)?;
    fs_err::create_dir(staging.path()).map_err(failed)?;

    let (people, alone): (Vec<&Cluster>, Vec<&Cluster>) = clusters.iter().partition(|c| !c.is_alone());
    let digits = people.len().to_string().len().max(3);
    for (number, person) in (1..).zip(people) {
        let folder = staging.path().join(format!("person-{number:0digits$}"));
        copy(person.faces(), sources, &folder, output)?;
    }
    if !alone.is_empty() {
        copy(alone.iter().flat_map(|face| face.faces()), sources, &staging.path().join("alone"), output)?;
    }
    staging.publish().map_err(failed)
}

/// Checks that `output` is not there, or an empty folder that may be filled: for callers that want to know before
/// long work what [`write_folders`] would say after it.
///
/// # Errors
/// When `output` holds something, is a file, or must not be written to.
pub fn check_free(output: &Path) -> Result<(), AlbumError> {
    let failed = |source| AlbumError::Write { path: output.into(), source };
    let empty = match fs_err::read_dir(output) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => !output.is_symlink(),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => !output.exists(),
        Err(source) => return Err(failed(source)),
    };
    if !empty {
        return Err(AlbumError::Occupied { path: output.into() });
    }
    // An empty folder is replaced, and that asks only whether the folder above it may be written.
    if fs_err::metadata(output).is_ok_and(|folder| folder.permissions().readonly()) {
        return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, "the folder is read-only")));
    }
    Ok(())
}

/// Copies each photo of `faces` once into the new `folder`, which will be a part of `output`.
fn copy(
    faces: impl Iterator<Item = usize>,
    sources: &[PathBuf],
    folder: &Path,
    output: &Path,
) -> Result<(), AlbumError> {
    fs_err::create_dir(folder).map_err(|source| AlbumError::Write { path: output.into(), source })?;
    let (mut copied, mut taken) = (HashSet::new(), HashSet::new());
    for photo in faces.map(|face| &sources[face]) {
        if copied.insert(photo) {
            let target = folder.join(free_name(photo, &mut taken));
            fs_err::copy(photo, target).map_err(|source| AlbumError::Copy { path: photo.into(), source })?;
        }
    }
    Ok(())
}

/// The photo's own name, or with a number when that is `taken`, whatever the letter case: some file systems do not
/// tell it apart.
fn free_name(photo: &Path, taken: &mut HashSet<String>) -> OsString {
    let name = photo.file_name().unwrap_or(photo.as_os_str());
    let mut candidate = name.to_owned();
    for number in 2.. {
        if taken.insert(candidate.to_string_lossy().to_lowercase()) {
            break;
        }
        candidate = Path::new(name).file_stem().unwrap_or(name).to_owned();
        candidate.push(format!("-{number}"));
        if let Some(ending) = Path::new(name).extension() {
            candidate.push(".");
            candidate.push(ending);
        }
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Member;

    fn cluster(faces: &[usize]) -> Cluster {
        Cluster { members: faces.iter().map(|&face| Member { face, mean_distance: None }).collect() }
    }

    /// Writes each of `paths` below a new folder, its own path as content.
    fn photos(paths: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &&str| {
            let full = dir.path().join(path);
            fs_err::create_dir_all(full.parent().unwrap()).unwrap();
            fs_err::write(&full, path).unwrap();
            full
        };
        let sources = paths.iter().map(write).collect();
        (dir, sources)
    }

    /// `path: content` of all files below `dir`, sorted.
    fn listing(dir: &Path) -> Vec<String> {
        let files = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap);
        let line = |entry: walkdir::DirEntry| {
            let path = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            format!("{path}: {}", fs_err::read_to_string(entry.path()).unwrap())
        };
        files.filter(|entry| entry.file_type().is_file()).map(line).collect()
    }

    #[test]
    fn every_person_gets_a_folder_and_faces_alone_share_one() {
        let (dir, sources) = photos(&["a/1.jpg", "a/2.jpg", "b/1.JPG", "c/1.jpg", "d/1", "e/1"]);
        let sources = [sources.clone(), vec![sources[0].clone()]].concat();
        let output = dir.path().join("new/album");
        // Face 6 is in the photo of face 0.
        let clusters = [cluster(&[2, 0, 3, 6]), cluster(&[1, 6]), cluster(&[4]), cluster(&[5])];
        write_folders(&clusters, &sources, &output).unwrap();

        let expected = [
            "alone/1: d/1",
            "alone/1-2: e/1",
            "person-001/1-2.jpg: a/1.jpg",
            "person-001/1-3.jpg: c/1.jpg",
            "person-001/1.JPG: b/1.JPG",
            "person-002/1.jpg: a/1.jpg",
            "person-002/2.jpg: a/2.jpg",
        ];
        assert_eq!(listing(&output), expected);
        assert_eq!(fs_err::read_dir(dir.path().join("new")).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_numbered_name_that_is_itself_taken_is_passed_over() {
        let mut taken = HashSet::new();
        let names = ["x/1-2.jpg", "y/1.jpg", "z/1.jpg"].map(|photo| free_name(Path::new(photo), &mut taken));
        assert_eq!(names, ["1-2.jpg", "1.jpg", "1-3.jpg"]);
    }

    #[test]
    fn an_output_that_holds_anything_is_refused_and_left_alone() {
        let (dir, sources) = photos(&["album/mine.txt", "1.jpg"]);
        for occupied in ["album", "1.jpg"] {
            let output = dir.path().join(occupied);
            let error = write_folders(&[cluster(&[1])], &sources, &output).unwrap_err();
            let message = error.to_string().replace(output.to_str().unwrap(), "ALBUM");
            assert_eq!(
                message,
                "`ALBUM` exists and is not an empty folder\n\
                 hint: name a folder that does not exist yet: nothing is ever overwritten"
            );
        }
        assert_eq!(listing(dir.path()), ["1.jpg: 1.jpg", "album/mine.txt: album/mine.txt"]);
    }

    #[test]
    fn an_empty_output_folder_is_filled() {
        let (dir, sources) = photos(&["1.jpg", "2.jpg"]);
        let output = dir.path().join("album");
        fs_err::create_dir(&output).unwrap();
        write_folders(&[cluster(&[0, 1])], &sources, &output).unwrap();
        assert_eq!(listing(&output), ["person-001/1.jpg: 1.jpg", "person-001/2.jpg: 2.jpg"]);
    }

    #[test]
    fn a_photo_that_is_gone_is_named_and_no_half_album_is_left() {
        let (dir, mut sources) = photos(&["in/1.jpg"]);
        sources.push(dir.path().join("in/gone.jpg"));
        let error = write_folders(&[cluster(&[0, 1])], &sources, &dir.path().join("album")).unwrap_err();
        assert!(matches!(error, AlbumError::Copy { path, .. } if path == sources[1]));
        assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1, "only the photos are left");
    }

    #[test]
    fn an_output_that_cannot_be_written_is_named() {
        let (dir, sources) = photos(&["1.jpg"]);
        let output = dir.path().join("1.jpg/album");
        let error = write_folders(&[cluster(&[0])], &sources, &output).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write `{}`", output.display()));
    }

    #[test]
    fn a_read_only_output_folder_is_named_and_left_as_it_is() {
        let (dir, sources) = photos(&["1.jpg"]);
        let output = dir.path().join("album");
        fs_err::create_dir(&output).unwrap();
        let mut permissions = fs_err::metadata(&output).unwrap().permissions();
        permissions.set_readonly(true);
        fs_err::set_permissions(&output, permissions).unwrap();

        let error = write_folders(&[cluster(&[0])], &sources, &output).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write `{}`", output.display()));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the folder is read-only");
        assert_eq!(fs_err::read_dir(&output).unwrap().count(), 0);
    }

    #[test]
    fn no_clusters_make_an_empty_album() {
        let dir = tempfile::tempdir().unwrap();
        write_folders(&[], &[], &dir.path().join("album")).unwrap();
        assert_eq!(fs_err::read_dir(dir.path().join("album")).unwrap().count(), 0);
    }
}
