"""Embeds all photos of a folder into one NumPy file.

    python embed_folder.py photos/ faces.npz

`faces.npz` has `embeddings` [faces, 128], `paths` and `boxes` of the same length, and the `model`'s contract. Photos that
cannot be used are named and left out; the exit status is then 2.
"""

from __future__ import annotations

import argparse
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from facenet import FaceNet

ENDINGS = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp"}


def main() -> int:
    arguments = argparse.ArgumentParser(description="Embed all photos of a folder into one NumPy file.")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("output", type=Path)
    arguments.add_argument("--min-quality", type=float, default=0.0, help="leave out poorer faces, 0 to 1")
    given = arguments.parse_args()

    net = FaceNet()
    photos = iter(sorted(path for path in given.folder.rglob("*") if path.suffix.lower() in ENDINGS))
    paths, boxes, embeddings, failed = [], [], [], 0
    while batch := list(islice(photos, 64)):
        for path, faces in zip(batch, net.faces(batch, return_exceptions=True)):
            if isinstance(faces, Exception):
                print(faces, file=sys.stderr)
                failed += 1
                continue
            for face in faces:
                if face.quality >= given.min_quality:
                    paths.append(str(path))
                    boxes.append(face.box)
                    embeddings.append(face.embedding)

    rows = np.array(embeddings, np.float32).reshape(-1, net.contract.dimension)
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    np.savez(given.output, embeddings=rows, paths=np.array(paths), boxes=boxes, model=net.contract.to_json())
    print(f"{len(rows)} faces; {failed} photos failed", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
