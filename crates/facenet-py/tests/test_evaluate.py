"""Figures of verification, by hand and against NumPy."""

import json

import numpy as np
import pytest
from conftest import people

import facenet
from facenet import evaluate


def test_people_that_are_far_apart_are_told_apart_without_error():
    faces, names = people(1, count=8, each=4, spread=0.2)
    report = evaluate(faces, names, model="drawn", data="made up", draws=200)
    assert (report.genuine, report.impostors) == (8 * 6, 28 * 16)
    assert report.auc == 1 and report.eer == 0
    assert report.val(0.01) == 1 and report.val_interval(0.01) == (1, 1)
    assert report.auc_interval == (1, 1) and report.eer_interval == (0, 0)
    assert report.accuracy is None and report.accuracy_interval is None
    assert report.val(1e-6) is None
    figures = json.loads(report.to_json())
    assert figures["model"] == "drawn" and figures["auc"] == 1
    assert "drawn" in str(report)


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    faces, names = people(2, count=6, each=5, spread=1.5)
    report = evaluate(faces, names, draws=0)
    distance = ((faces[:, None] - faces[None]) ** 2).sum(-1)
    upper = np.triu_indices(len(faces), 1)
    same = np.equal.outer(names, names)[upper]
    genuine, impostors = distance[upper][same], distance[upper][~same]
    expected = (genuine[:, None] < impostors[None]).mean()
    assert 0.5 < expected < 1
    assert report.auc == pytest.approx(expected, abs=1e-4)
    assert report.auc_interval is None


def test_named_pairs_and_folds_give_an_accuracy():
    rows = np.array([[1, 0], [0.8, 0.6], [0, 1]])
    pairs, same, folds = [(0, 1), (0, 2), (0, 1), (0, 2)], [True, False, True, False], [1, 1, 2, 2]
    report = evaluate(rows, pairs=pairs, same=same, folds=folds)
    # 0.4 and 2.0 apart: the threshold of the other fold lies between.
    assert report.accuracy == 1 and (report.genuine, report.impostors) == (2, 2)
    assert report.threshold(0.1) is None
    wrong = evaluate(rows, pairs=pairs, same=[False, True, False, True], folds=folds)
    assert wrong.auc == 0
    by_name = evaluate(rows, ["a", "a", "b"], pairs=pairs, folds=folds, draws=10)
    assert by_name.accuracy == 1


def test_one_seed_gives_one_interval():
    faces, names = people(3, count=10, each=4, spread=1.5)
    first, again, other = (evaluate(faces, names, draws=100, seed=seed).auc_interval for seed in (1, 1, 2))
    assert first == again != other
    assert first[0] < first[1]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "expected `labels`, or `pairs`"),
        ({"labels": ["a", "b", "c"]}, "found 3 labels for 2 embeddings"),
        ({"labels": ["a", "b"]}, "1 impostor pairs and no genuine pair"),
        ({"pairs": [(0, 1)]}, "expected `labels`, or `pairs`"),
        ({"pairs": [(0, 2)], "same": [True]}, r"no pair \(0, 2\) of 2 embeddings"),
        ({"pairs": [(0, -1)], "same": [True]}, r"no pair \(0, -1\)"),
        ({"pairs": [(0, 1, 1)], "same": [True]}, r"\[pairs, 2\]"),
        ({"pairs": [(0, 1)], "same": [True, True]}, "found 2 values of `same` for 1 pairs"),
        ({"pairs": [(0, 1)], "same": [True], "folds": [1, 2]}, "found 2 folds for 1 pairs"),
        ({"labels": ["a", "a"], "folds": [1]}, "expected `pairs` too"),
        ({"labels": ["a", "a"], "pairs": [(0, 1)], "same": [True]}, "found both"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, text):
    with pytest.raises(facenet.DataError, match=text):
        evaluate(np.eye(2), **arguments)


def test_a_rate_that_was_not_measured_is_refused():
    faces, names = people(4, count=3, each=2)
    with pytest.raises(facenet.ThresholdError, match="`far=0.5` was not measured: expected one of"):
        evaluate(faces, names, draws=0).val(0.5)
