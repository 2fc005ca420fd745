"""Whole photos: faces are found, described and compared."""

import pytest
from conftest import drawn, nobody

import facenet


def test_a_face_is_found_where_it_is(net, photos):
    (face,) = net.faces(photos["eileen-collins-1"])
    x, y, width, height = face.box
    assert width > 30 and height > 30
    assert len(face.landmarks) == 5
    assert all(x < px < x + width and y < py < y + height for px, py in face.landmarks)
    assert 0.5 < face.score <= 1 and 0 < face.quality <= 1
    assert face.embedding.shape == (128,) and not face.embedding.flags.writeable
    (same,) = net.detect(photos["eileen-collins-1"])
    assert same.box == face.box and same.embedding is None


def test_several_photos_give_a_list_each(net, photos):
    found = net.faces([photos["barack-obama-1"], nobody(), photos["joe-biden-1"]])
    assert [len(faces) for faces in found] == [1, 0, 1]


def test_a_photo_that_fails_can_leave_the_others(net, photos):
    mixed = [photos["joe-biden-1"], b"no image"]
    with pytest.raises(facenet.ImageError, match="^image 1: "):
        net.faces(mixed)
    found, error = net.faces(mixed, return_exceptions=True)
    assert len(found) == 1 and isinstance(error, facenet.ImageError)


def test_two_photos_of_one_person_are_the_same(net, photos):
    one, other = photos["barack-obama-1"], photos["barack-obama-2"]
    verdict = net.verify(one, other, far=0.1)
    assert verdict and verdict.same and verdict.distance <= verdict.threshold
    assert verdict.cosine == pytest.approx(1 - verdict.distance / 2)
    assert verdict.threshold == net.contract.threshold(0.1)
    assert verdict.false_accept_rate <= 0.1 and verdict.data
    assert not net.verify(one, photos["eileen-collins-1"])


def test_embeddings_can_be_compared_too(net, photos):
    first = net.embed(photos["barack-obama-1"], crop="detect")[0]
    by_photo = net.verify(photos["barack-obama-1"], photos["barack-obama-2"])
    by_embedding = net.verify(first, photos["barack-obama-2"])
    assert by_embedding.distance == pytest.approx(by_photo.distance, abs=1e-6)
    assert net.verify(first, first).distance == 0
    with pytest.raises(facenet.DataError, match=r"length 1\.99\d*, but embeddings have the length 1\nhint"):
        net.verify(first * 1.999, first)
    with pytest.raises(facenet.DataError, match="127 coordinates"):
        net.verify(first[1:], first)


def test_a_distance_by_hand_knows_no_rate(net):
    a = net.embed(drawn(1))[0]
    verdict = net.verify(a, a, threshold=0.5)
    assert (verdict.threshold, verdict.false_accept_rate, verdict.data) == (0.5, None, None)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"far": 1e-9}, r"has no threshold for a false accept rate of 0.000000001.*\nhint: pass `far="),
        ({"far": 0}, "`far=0` is no rate"),
        ({"far": float("nan")}, "`far=NaN` is no rate"),
        ({"threshold": 4.5}, "expected a number from 0 to 4"),
        ({"far": 0.1, "threshold": 1.0}, "found both"),
    ],
)
def test_a_threshold_that_there_is_not_is_refused(net, options, text):
    with pytest.raises(facenet.ThresholdError, match=text):
        net.verify(drawn(1), drawn(1), **options)


def test_a_photo_without_a_face_cannot_be_verified(net, photos):
    with pytest.raises(facenet.NoFaceError, match="the second image: no face was found"):
        net.verify(photos["joe-biden-1"], nobody())
    assert net.faces(nobody()) == [] and net.detect(nobody()) == []
