"""Drawn images, the photos of the examples, and one model for all tests."""

from pathlib import Path

import numpy as np
import pytest

from facenet import FaceNet

PHOTOS = Path(__file__).resolve().parents[3] / "examples" / "photos"


def drawn(seed: int, height: int = 112, width: int = 112) -> np.ndarray:
    """A few soft blobs, different for every seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    image = np.zeros((height, width, 3))
    for _ in range(6):
        cy, cx, size = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(5, 30)
        image += np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / size**2)[..., None] * rng.uniform(0, 255, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def nobody() -> np.ndarray:
    """A picture without a face: a slope from dark to light."""
    return np.tile(np.linspace(0, 255, 300).astype(np.uint8)[:, None, None], (1, 300, 3))


def people(seed: int, count: int, each: int, spread: float = 0.3) -> tuple[np.ndarray, list[str]]:
    """Made-up embeddings of `count` people, `each` faces of every one, and their names."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count, 128))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    noise = rng.normal(size=(count, each, 128)) * spread / np.sqrt(128)
    faces = (centres[:, None] + noise).reshape(-1, 128)
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    return faces.astype(np.float32), [f"person {i}" for i in range(count) for _ in range(each)]


@pytest.fixture(scope="session")
def net() -> FaceNet:
    return FaceNet()


@pytest.fixture(scope="session")
def photos() -> dict[str, Path]:
    return {path.stem: path for path in sorted(PHOTOS.glob("*.jpg"))}
