"""Faces become people, by function and as scikit-learn does it."""

import numpy as np
import pytest
from conftest import people

import facenet
from facenet import Clusterer, cluster


def same_partition(labels, names):
    return len(set(zip(labels, names))) == len(set(labels)) == len(set(names))


def test_made_up_people_are_told_apart():
    faces, names = people(1, count=7, each=5)
    found = cluster(faces, threshold=0.5)
    assert found.labels.dtype == np.int64 and same_partition(found.labels.tolist(), names)
    assert len(found) == 7 and found.threshold == 0.5
    assert sorted(face for members in found.members for face in members) == list(range(35))
    for members in found.members:
        assert len({found.labels[face] for face in members}) == 1


def test_labels_count_from_the_first_face():
    faces, _ = people(2, count=3, each=2)
    assert cluster(faces[[4, 0, 5, 1, 2]], threshold=0.5).labels.tolist() == [0, 1, 0, 1, 2]
    assert cluster(faces[:0], threshold=0.5).labels.tolist() == []


def test_any_layout_and_type_gives_the_same():
    faces, _ = people(3, count=4, each=3)
    expected = cluster(faces, threshold=0.5).labels
    kinds = [faces.astype(np.float64), np.asfortranarray(faces), np.repeat(faces, 2, axis=0)[::2], faces.tolist()]
    for kind in kinds:
        assert np.array_equal(cluster(kind, threshold=0.5).labels, expected)


def test_knowledge_binds():
    faces, _ = people(4, count=1, each=4)
    assert cluster(faces, threshold=1.0).labels.tolist() == [0, 0, 0, 0]
    apart = cluster(faces, threshold=1.0, cannot_link=[(0, 1)]).labels
    assert apart[0] != apart[1]
    in_one_photo = cluster(faces, threshold=1.0, photos=["a", "a", "b", "b"]).labels
    assert in_one_photo[0] != in_one_photo[1] and in_one_photo[2] != in_one_photo[3]
    assert cluster(faces, threshold=0.0, must_link=[(0, 3)]).labels.tolist() == [0, 1, 2, 0]
    with pytest.raises(facenet.DataError, match="faces 1 and 0 are told to be two people, but also one"):
        cluster(faces, threshold=1.0, must_link=[(0, 1)], cannot_link=[(1, 0)])


def test_a_little_beyond_the_threshold_is_a_question():
    angle = np.arccos(1 - 1.05 / 2)
    faces = np.array([[1, 0], [np.cos(angle), np.sin(angle)]])
    found = cluster(faces, threshold=1.0)
    (question,) = found.suggestions
    assert (question.a, question.b, question.why) == (0, 1, "just-beyond")
    assert question.distance == pytest.approx(1.05, abs=1e-5)


def test_a_rate_is_that_of_the_model(net):
    faces, names = people(5, count=5, each=4)
    found = cluster(faces, far=0.01)
    assert found.threshold == net.contract.threshold(0.01)
    assert cluster(faces, far=0.01, contract=net.contract).threshold == found.threshold
    assert cluster(faces).threshold == net.contract.threshold(0.001)
    strict, loose = (cluster(faces, wrong_pairs=share).threshold for share in (0.01, 0.1))
    assert strict < loose


@pytest.mark.parametrize(
    ("faces", "options", "text"),
    [
        (np.ones((2, 2)), {"threshold": 1}, r"row 0 has the length 1.41\d*, but embeddings have the length 1\nhint"),
        (np.full((1, 2), np.nan), {"threshold": 1}, "row 0 has the length NaN"),
        (np.ones(3), {"threshold": 1}, r"\[faces, dimension\] of numbers, but this of shape \(3,\) is none"),
        ([["a"]], {"threshold": 1}, r"\[faces, dimension\] of numbers"),
        (np.eye(2), {}, "2 coordinates are not of this model, which makes 128"),
        (np.eye(2), {"threshold": 1, "quality": [0.5]}, "found 1 qualities for 2 faces"),
        (np.eye(2), {"threshold": 1, "photos": [1]}, "found 1 photos for 2 faces"),
        (np.eye(2), {"threshold": 1, "cannot_link": [(0, 2)]}, "faces 0 and 2 are no pair"),
        (np.eye(2), {"threshold": 1, "wrong_pairs": 0.1}, "another threshold"),
        (np.eye(128), {"wrong_pairs": 0.3}, "`wrong_pairs=0.3` was not measured: expected one of"),
    ],
)
def test_what_cannot_be_clustered_is_refused(faces, options, text):
    with pytest.raises(ValueError, match=text):
        cluster(faces, **options)


def test_the_clusterer_is_one_of_scikit_learn():
    faces, names = people(6, count=6, each=3)
    clusterer = Clusterer(threshold=0.5)
    labels = clusterer.fit_predict(faces)
    assert same_partition(labels.tolist(), names) and labels is clusterer.labels_
    assert len(clusterer.members_) == 6 and clusterer.threshold_ == 0.5 and clusterer.suggestions_ == []
    copy = Clusterer(**clusterer.get_params()).set_params(threshold=0.0)
    assert copy.fit(faces).labels_.tolist() == list(range(18))
    assert repr(copy) == "Clusterer()" and repr(clusterer) == "Clusterer(threshold=0.5)"
    with pytest.raises(ValueError, match="`eps` is no setting"):
        clusterer.set_params(eps=1)
    photos = list(range(6)) * 3
    assert Clusterer(threshold=0.5).fit_predict(faces, photos=photos).shape == (18,)
