"""What the compiled part has."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Protocol, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Added",
    "Clusters",
    "Contract",
    "Face",
    "FaceNet",
    "Gallery",
    "GalleryFace",
    "Grouped",
    "Identified",
    "Person",
    "Removed",
    "Report",
    "Suggestion",
    "Threshold",
    "Verdict",
    "cluster",
    "evaluate",
]

class _Picture(Protocol):
    """A picture of Pillow."""

    @property
    def mode(self) -> str: ...
    def convert(self, mode: str | None = ..., /) -> Any: ...
    def tobytes(self) -> bytes: ...
    def getexif(self) -> Any: ...

_Photo = str | PathLike[str] | bytes | bytearray | memoryview | NDArray[np.uint8] | _Picture
_Crop = Literal["detect", "box", "center", "none", "aligned", "tight"]
_Point = tuple[float, float]
_Box = tuple[float, float, float, float]

@final
class Threshold:
    """A squared distance up to which two faces count as one person (inclusive), and how it was found."""

    @property
    def distance(self) -> float: ...
    @property
    def false_accept_rate(self) -> float:
        """The share of pairs of two people that it accepted."""
    @property
    def data(self) -> str:
        """What it was calibrated on."""

@final
class Contract:
    """What makes embeddings comparable, and the thresholds that were calibrated for them."""

    @property
    def id(self) -> str:
        """A short name that differs wherever embeddings are not comparable."""
    @property
    def network(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def weights(self) -> str:
        """SHA-256 over all weights."""
    @property
    def edge_px(self) -> int:
        """Edge of the network's square input, in pixels."""
    @property
    def thresholds(self) -> list[Threshold]:
        """From the strictest to the loosest."""
    def threshold(self, far: float) -> float:
        """The loosest calibrated distance with a false accept rate of at most `far`."""
    def probability(self, distance: float) -> float | None:
        """Of one person, at even odds before looking; None where the model has no fitted curve."""
    def to_json(self) -> str: ...
    @staticmethod
    def from_json(text: str) -> Contract: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Face:
    """A face that was found in a photo."""

    @property
    def box(self) -> _Box:
        """`(x, y, width, height)`, in pixels of the upright photo; it may leave the photo."""
    @property
    def landmarks(self) -> list[_Point] | None:
        """Left eye, right eye, nose, left and right corner of the mouth, as seen in the picture."""
    @property
    def score(self) -> float:
        """The detector's confidence, from 0 to 1."""
    @property
    def quality(self) -> float:
        """How good the picture is, from 0 to 1."""
    @property
    def reasons(self) -> list[str]:
        """What is wrong with the picture, the worst first."""
    @property
    def embedding(self) -> NDArray[np.float32] | None:
        """A vector of length 1 that cannot be written to; None from `detect`."""

@final
class Verdict:
    """Whether two faces count as one person. It is true if they do."""

    @property
    def same(self) -> bool: ...
    @property
    def distance(self) -> float: ...
    @property
    def cosine(self) -> float: ...
    @property
    def probability(self) -> float | None:
        """Of one person, at even odds before looking; None where the model has no fitted curve."""
    @property
    def threshold(self) -> float: ...
    @property
    def false_accept_rate(self) -> float | None:
        """What the threshold was calibrated to; None for one that was given by hand."""
    @property
    def data(self) -> str | None:
        """What the threshold was calibrated on."""
    def __bool__(self) -> bool: ...

@final
class FaceNet:
    """A model that embeds faces and a detector that finds them."""

    def __new__(
        cls,
        model: str | PathLike[str] | None = None,
        *,
        detector: str | PathLike[str] | None = None,
        min_score: float | None = None,
        min_face_px: float = 0.0,
    ) -> FaceNet:
        """Loads a model file and a detector file, by default those that ship with the package."""
    @property
    def contract(self) -> Contract: ...
    def embed(self, images: _Photo | Iterable[_Photo], *, crop: _Crop = "none") -> NDArray[np.float32]:
        """One embedding an image, `[images, dimension]`: of its most confident face, or of where `crop` says it lies."""
    def detect(self, image: _Photo, *, crop: _Crop = "detect") -> list[Face]:
        """The faces of a photo, most confident first, without embeddings."""
    # A path is an iterable of strings too; it is taken for a path.
    @overload
    def faces(  # type: ignore[overload-overlap]
        self, images: _Photo, *, crop: _Crop = "detect", return_exceptions: bool = False
    ) -> list[Face]: ...
    @overload
    def faces(
        self, images: Iterable[_Photo], *, crop: _Crop = "detect", return_exceptions: Literal[False] = False
    ) -> list[list[Face]]: ...
    @overload
    def faces(
        self, images: Iterable[_Photo], *, crop: _Crop = "detect", return_exceptions: Literal[True]
    ) -> list[list[Face] | Exception]:
        """The faces of a photo with their embeddings, most confident first; of several photos, a list for each.

        With `return_exceptions` a photo that cannot be used gives its exception instead of stopping the others.
        """
    def verify(
        self,
        a: _Photo | NDArray[np.floating[Any]],
        b: _Photo | NDArray[np.floating[Any]],
        *,
        far: float | None = None,
        threshold: float | None = None,
        crop: _Crop = "detect",
    ) -> Verdict:
        """Whether two images, or embeddings, show the same person, at a false accept rate of at most `far` (0.01)."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Suggestion:
    """Two clusters that may be one person: a question for somebody who knows them."""

    @property
    def a(self) -> int:
        """A face of the one."""
    @property
    def b(self) -> int:
        """A face of the other."""
    @property
    def distance(self) -> float:
        """The mean distance between the clusters' faces."""
    @property
    def why(self) -> Literal["some-alike", "just-beyond", "poor"]: ...

@final
class Clusters:
    """What clustering found; `len` is the number of clusters."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """The cluster of each face, from 0 in the order of their first face. A face alone has a cluster of its own."""
    @property
    def members(self) -> list[list[int]]:
        """The faces of each cluster, largest cluster first, the most central face first and the most doubtful last."""
    @property
    def suggestions(self) -> list[Suggestion]:
        """The nearest first."""
    @property
    def threshold(self) -> float: ...
    def __len__(self) -> int: ...

def cluster(
    embeddings: ArrayLike,
    *,
    far: float | None = None,
    threshold: float | None = None,
    wrong_pairs: float | None = None,
    contract: Contract | None = None,
    photos: Sequence[Hashable] | None = None,
    quality: ArrayLike | None = None,
    min_quality: float = 0.0,
    must_link: Sequence[tuple[int, int]] = ...,
    cannot_link: Sequence[tuple[int, int]] = ...,
) -> Clusters:
    """Groups embeddings `[faces, dimension]` by person; two faces of one of `photos` are two people."""

@final
class Report:
    """What a verification test found; `str` gives a table. Intervals hold 95 % of draws of other people."""

    @property
    def accuracy(self) -> float | None:
        """The mean accuracy over folds; None with a single fold."""
    @property
    def accuracy_interval(self) -> tuple[float, float] | None: ...
    @property
    def auc(self) -> float: ...
    @property
    def auc_interval(self) -> tuple[float, float] | None: ...
    @property
    def eer(self) -> float: ...
    @property
    def eer_interval(self) -> tuple[float, float] | None: ...
    @property
    def genuine(self) -> int:
        """The number of pairs of one person."""
    @property
    def impostors(self) -> int:
        """The number of pairs of two people."""
    def val(self, far: float) -> float | None:
        """The share of genuine pairs accepted where at most `far` of the impostors are; `far` is 0.1, 0.01 … 1e-6."""
    def val_interval(self, far: float) -> tuple[float, float] | None: ...
    def threshold(self, far: float) -> float | None:
        """The distance that keeps to `far`."""
    def to_json(self) -> str:
        """All figures, with the keys of `facenet eval --json`."""

def evaluate(
    embeddings: ArrayLike,
    labels: Sequence[Hashable] | None = None,
    *,
    pairs: ArrayLike | None = None,
    same: ArrayLike | None = None,
    folds: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
    model: str = "",
    data: str = "",
) -> Report:
    """Measures embeddings by pairs: all that `labels` give, or `pairs` (of indices) that are the `same` person or not.

    There are intervals only with `labels`: they come from drawing people anew.
    """

@final
class Person:
    """A person of a gallery."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str | None: ...
    @property
    def label(self) -> str:
        """The name, or `person:3`."""
    @property
    def tags(self) -> list[str]: ...
    @property
    def faces(self) -> int:
        """How many faces are theirs."""

@final
class GalleryFace:
    """A face of a gallery."""

    @property
    def id(self) -> int: ...
    @property
    def photo(self) -> int: ...
    @property
    def box(self) -> _Box: ...
    @property
    def score(self) -> float: ...
    @property
    def quality(self) -> float | None: ...
    @property
    def embedding(self) -> NDArray[np.float32]: ...
    @property
    def person(self) -> int | None: ...
    @property
    def by(self) -> Literal["user", "machine"] | None:
        """Who said whose it is."""

@final
class Identified:
    """Who a face is."""

    @property
    def person(self) -> str | None:
        """The nearest person, if at most the threshold away."""
    @property
    def distance(self) -> float | None: ...
    @property
    def threshold(self) -> float: ...
    @property
    def nearest(self) -> list[tuple[str, float]]:
        """The nearest people and their distances, whether accepted or not."""
    @property
    def face(self) -> Face | None:
        """The face in the photo; None where embeddings were asked about."""

@final
class Added:
    """What became of a photo that was added."""

    @property
    def photo(self) -> int: ...
    @property
    def new(self) -> bool: ...
    @property
    def faces(self) -> int: ...

@final
class Grouped:
    """What became of the faces that were looked at."""

    @property
    def faces(self) -> int: ...
    @property
    def new_faces(self) -> int:
        """Of those, faces that were nobody's before."""
    @property
    def people(self) -> int: ...
    @property
    def new_people(self) -> int: ...
    @property
    def alone(self) -> int: ...
    @property
    def threshold(self) -> float: ...

@final
class Removed:
    """What was deleted, and what a search for its traces found."""

    @property
    def people(self) -> list[int]: ...
    @property
    def photos(self) -> list[int]: ...
    @property
    def faces(self) -> list[int]: ...
    @property
    def pieces(self) -> int:
        """Pieces of what was deleted that were looked for in the gallery's files."""
    @property
    def found_before(self) -> int: ...
    @property
    def found_after(self) -> int: ...

@final
class Gallery:
    """People that are remembered, in a SQLite file. People go by name or `person:3`, photos by path or `photo:17`."""

    @staticmethod
    def create(
        path: str | PathLike[str],
        net: FaceNet | None = None,
        *,
        embedding: Literal["float", "byte"] = "float",
        crops: bool = False,
        paths: bool = True,
    ) -> Gallery:
        """Makes an empty gallery for the embeddings of `net`; what is there already is not replaced."""
    @staticmethod
    def open(path: str | PathLike[str], net: FaceNet | None = None) -> Gallery: ...
    def close(self) -> None: ...
    def __enter__(self) -> Gallery: ...
    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
        /,
    ) -> None: ...
    @property
    def contract(self) -> Contract: ...
    def counts(self) -> dict[str, int]: ...
    def people(self) -> list[Person]: ...
    def faces(self, person: str | None = None) -> list[GalleryFace]: ...
    @overload
    def add(  # type: ignore[overload-overlap]
        self, photos: _Photo, *, person: str | None = None, crop: _Crop = "detect", min_quality: float = 0.0
    ) -> Added: ...
    @overload
    def add(
        self, photos: Iterable[_Photo], *, person: str | None = None, crop: _Crop = "detect", min_quality: float = 0.0
    ) -> list[Added]:
        """Adds photos with their faces, 64 in a step that is kept as a whole or not at all.

        With `person`, the most confident face of each photo is that person's.
        """
    def identify(
        self,
        photo: _Photo | NDArray[np.floating[Any]],
        *,
        far: float | None = None,
        threshold: float | None = None,
        k: int = 3,
        tags: Sequence[str] = ...,
        crop: _Crop = "detect",
    ) -> list[Identified]:
        """Who is in a photo, face by face; or who each row of an array of embeddings is."""
    def cluster(
        self, *, far: float | None = None, threshold: float | None = None, new_only: bool = False
    ) -> Grouped:
        """Groups the faces by person, within what the user said; with `new_only` only those that came since
        the last time, with whoever is near them."""
    def rename(self, who: str, name: str | None) -> None: ...
    def merge(self, who: str, into: str) -> None: ...
    def split(self, faces: Sequence[int], *, name: str | None = None, to: str | None = None) -> int: ...
    def correct(self, a: int, b: int, same: bool) -> None: ...
    def undo(self) -> tuple[int, int] | None: ...
    def remove(self, *what: str, dry_run: bool = False) -> Removed:
        """Deletes people, photos and faces with every trace of them in the gallery's files."""
