"""Clustering as scikit-learn does it. scikit-learn itself is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._native import Contract, Suggestion, cluster

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

_SETTINGS = ("far", "threshold", "wrong_pairs", "contract", "min_quality")


class Clusterer:
    """Groups embeddings by person.

    Faces are joined whose clusters are on average at most a threshold apart. The threshold is what the false accept
    rate ``far`` (by default 0.001) or the share of wrong pairs ``wrong_pairs`` means for the model of ``contract`` (by
    default the shipped one), or ``threshold``, a squared distance from 0 to 4.

    After ``fit``: ``labels_`` has the cluster of each face, ``members_`` the faces of each cluster, the most doubtful
    last, ``suggestions_`` the pairs of clusters that somebody should look at, and ``threshold_`` the distance.
    """

    labels_: NDArray[np.int64]
    members_: list[list[int]]
    suggestions_: list[Suggestion]
    threshold_: float

    def __init__(
        self,
        *,
        far: float | None = None,
        threshold: float | None = None,
        wrong_pairs: float | None = None,
        contract: Contract | None = None,
        min_quality: float = 0.0,
    ) -> None:
        self.far = far
        self.threshold = threshold
        self.wrong_pairs = wrong_pairs
        self.contract = contract
        self.min_quality = min_quality

    def fit(self, X: ArrayLike, y: object = None, **knowledge: Any) -> Clusterer:
        """Clusters the rows of ``X``; ``knowledge`` is ``photos``, ``quality``, ``must_link`` or ``cannot_link``."""
        found = cluster(X, **self.get_params(), **knowledge)
        self.labels_ = found.labels
        self.members_ = found.members
        self.suggestions_ = found.suggestions
        self.threshold_ = found.threshold
        return self

    def fit_predict(self, X: ArrayLike, y: object = None, **knowledge: Any) -> NDArray[np.int64]:
        """Clusters the rows of ``X`` and gives ``labels_``."""
        return self.fit(X, y, **knowledge).labels_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings, for scikit-learn's ``clone``."""
        return {name: getattr(self, name) for name in _SETTINGS}

    def set_params(self, **settings: Any) -> Clusterer:
        """Changes settings."""
        for name, value in settings.items():
            if name not in _SETTINGS:
                raise ValueError(f"`{name}` is no setting: expected one of {', '.join(_SETTINGS)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items() if value not in (None, 0.0))
        return f"Clusterer({given})"
