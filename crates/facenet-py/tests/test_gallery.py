"""People are remembered, found, grouped and forgotten."""

import contextlib
import shutil
import sqlite3

import numpy as np
import pytest
from conftest import drawn

import facenet
from facenet import Gallery


@pytest.fixture
def gallery(net, tmp_path):
    with Gallery.create(tmp_path / "people.faces", net) as gallery:
        yield gallery


def test_a_person_is_found_again(gallery, photos):
    added = gallery.add(photos["barack-obama-1"], person="Barack")
    assert (added.photo, added.new, added.faces) == (1, True, 1)
    gallery.add(photos["joe-biden-1"], person="Joe")
    (found,) = gallery.identify(photos["barack-obama-2"], far=0.1)
    assert found.person == "Barack" and found.distance <= found.threshold
    assert [name for name, _ in found.nearest] == ["Barack", "Joe"]
    assert found.nearest[0][1] == found.distance and found.face.score > 0.5
    (nobody,) = gallery.identify(photos["eileen-collins-1"])
    assert nobody.person is None and nobody.distance > nobody.threshold


def test_embeddings_are_identified_like_photos(gallery, net, photos):
    gallery.add(photos["barack-obama-1"], person="Barack")
    row = net.embed(photos["barack-obama-1"], crop="detect")
    for probe in (row, row[0], row.astype(np.float64)):
        (found,) = gallery.identify(probe)
        assert found.person == "Barack" and found.distance < 1e-5 and found.face is None
    with pytest.raises(facenet.DataError, match="64 coordinates"):
        gallery.identify(np.eye(64, dtype=np.float32))


def test_a_photo_is_one_however_it_comes(gallery, photos, tmp_path):
    path = photos["joe-biden-1"]
    copy = shutil.copy(path, tmp_path / "copy.jpg")
    news = [added.new for added in gallery.add([path, path, copy, path.read_bytes()])]
    assert news == [True, False, False, False]
    assert gallery.counts() == {"people": 0, "photos": 1, "faces": 1, "unassigned": 1, "corrections": 0}


def test_a_step_that_fails_leaves_nothing(gallery, photos):
    with pytest.raises(facenet.ImageError):
        gallery.add([photos["joe-biden-1"], b"no image"], person="Joe")
    assert gallery.counts()["photos"] == 0 and gallery.people() == []


def test_clustering_and_what_is_said_of_people(gallery, photos):
    gallery.add(photos.values())
    done = gallery.cluster(far=0.1)
    assert (done.faces, done.people, done.new_people, done.alone) == (4, 1, 1, 2)
    new = gallery.cluster(far=0.1, new_only=True)
    assert (new.new_faces, new.people, new.new_people, new.alone) == (2, 1, 0, 2)
    (person,) = gallery.people()
    assert (person.name, person.label, person.faces) == (None, "person:1", 2)
    gallery.rename("person:1", "Barack")
    first, second = (face.id for face in gallery.faces("Barack"))
    assert [face.by for face in gallery.faces("Barack")] == ["machine", "machine"]

    gallery.correct(first, second, same=False)
    assert [face.id for face in gallery.faces("Barack")] == [first]
    assert gallery.undo() == (first, second) and gallery.undo() is None
    assert gallery.people()[0].faces == 2

    other = gallery.split([second], name="Brother")
    assert {person.label: person.faces for person in gallery.people()} == {"Barack": 1, "Brother": 1}
    assert gallery.faces(f"person:{other}")[0].id == second
    gallery.merge("Brother", "Barack")
    assert [person.label for person in gallery.people()] == ["Barack"]


def bytes_of(folder):
    return b"".join(path.read_bytes() for path in sorted(folder.glob("people.faces*")))


def test_what_is_removed_is_gone_from_the_file(net, photos, tmp_path):
    path = tmp_path / "people.faces"
    with Gallery.create(path, net) as gallery:
        gallery.add(photos["barack-obama-1"], person="Barack")
        gallery.add(photos["joe-biden-1"], person="Joe")
    with contextlib.closing(sqlite3.connect(path)) as file:
        (embedding,) = file.execute("SELECT embedding FROM faces WHERE id = 2").fetchone()
    assert embedding in bytes_of(tmp_path) and b"joe-biden-1" in bytes_of(tmp_path)

    gallery = Gallery.open(path, net)
    foreseen = gallery.remove("Joe", dry_run=True)
    assert len(foreseen.people) == 1 and gallery.counts()["people"] == 2
    removed = gallery.remove("Joe")
    assert (removed.people, removed.photos, removed.faces) == (foreseen.people, foreseen.photos, foreseen.faces)
    assert removed.pieces >= removed.found_before > 0 == removed.found_after
    assert embedding not in bytes_of(tmp_path) and b"joe-biden-1" not in bytes_of(tmp_path)
    gallery.remove(str(photos["barack-obama-1"]))
    assert gallery.counts()["faces"] == 0
    gallery.close()


def test_a_gallery_lasts(net, photos, tmp_path):
    path = tmp_path / "people.faces"
    with Gallery.create(path, net, embedding="byte", crops=True, paths=False) as gallery:
        gallery.add(photos["joe-biden-1"], person="Joe")
    with pytest.raises(facenet.GalleryError, match="is closed"):
        gallery.people()
    with Gallery.open(str(path)) as again:
        assert [person.name for person in again.people()] == ["Joe"]
        assert again.contract == net.contract
        face = again.faces()[0]
        assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    with pytest.raises(facenet.GalleryError, match="exists already"):
        Gallery.create(path, net)


@pytest.mark.parametrize(
    ("act", "error", "text"),
    [
        (lambda g: g.rename("Anna", "Berta"), LookupError, "knows nobody called `Anna`\nhint: `gallery.people"),
        (lambda g: g.remove("Anna"), facenet.UnknownError, "neither a person nor a photo `Anna`"),
        (lambda g: g.remove("person:7"), facenet.GalleryError, "person:7"),
        (lambda g: g.correct(1, 2, same=True), facenet.UnknownError, "has no face:1"),
        (lambda g: g.correct(0, -1, same=True), facenet.UnknownError, "has no face:0"),
        (lambda g: g.correct(1, 1, same=True), ValueError, "face 1 is itself"),
        (lambda g: g.split([1]), facenet.UnknownError, "has no face:1"),
        (lambda g: g.add(drawn(1), person=" "), facenet.GalleryError, "cannot be a name"),
        (lambda g: g.identify(drawn(1), threshold=5), facenet.ThresholdError, "from 0 to 4"),
    ],
)
def test_what_a_gallery_cannot_do_is_told(gallery, act, error, text):
    with pytest.raises(error, match=text):
        act(gallery)


def test_what_is_no_gallery_is_refused(net, tmp_path):
    with pytest.raises(facenet.GalleryError, match="there is no gallery"):
        Gallery.open(tmp_path / "none.faces", net)
    (tmp_path / "text").write_text("no gallery, but some text")
    with pytest.raises(facenet.GalleryError, match="is no gallery of faces"):
        Gallery.open(tmp_path / "text", net)
