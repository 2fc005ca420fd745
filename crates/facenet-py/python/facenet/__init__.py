"""The FaceNet system: embed, verify, search, cluster and measure faces.

>>> from facenet import FaceNet
>>> net = FaceNet()
>>> verdict = net.verify("a.jpg", "b.jpg", far=0.01)
>>> if verdict:
...     print("the same person at", verdict.distance)

Distances are squared Euclidean distances of unit vectors, from 0 (the same face) to 4.
"""

from ._native import (
    Added,
    Clusters,
    Contract,
    Face,
    FaceNet,
    Gallery,
    GalleryFace,
    Grouped,
    Identified,
    Person,
    Removed,
    Report,
    Suggestion,
    Threshold,
    Verdict,
    cluster,
    evaluate,
)
from .clusterer import Clusterer
from .errors import (
    DataError,
    FaceNetError,
    GalleryError,
    ImageError,
    MissingFileError,
    ModelError,
    NoFaceError,
    ThresholdError,
    UnknownError,
)

__all__ = [
    "Added",
    "Clusterer",
    "Clusters",
    "Contract",
    "DataError",
    "Face",
    "FaceNet",
    "FaceNetError",
    "Gallery",
    "GalleryError",
    "GalleryFace",
    "Grouped",
    "Identified",
    "ImageError",
    "MissingFileError",
    "ModelError",
    "NoFaceError",
    "Person",
    "Removed",
    "Report",
    "Suggestion",
    "Threshold",
    "ThresholdError",
    "UnknownError",
    "Verdict",
    "cluster",
    "evaluate",
]
