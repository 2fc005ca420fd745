"""Runs the ONNX files that the program exports in ONNX Runtime, and holds the embeddings against the program's own.

    cargo run --release -p facenet-onnx --example reference -- FOLDER lite nn4 nn4-bn nns1 nns2 mobilefacenet iresnet18
    python benches/peers/onnx_export.py FOLDER

Needs `onnx`, `onnxruntime` and `numpy`. Each file is also checked against the standard by `onnx.checker`. Prints a line a
network and ends with 1 when a number differs by more than 1e-4.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

LIMIT = 1e-4


def difference(path: Path) -> tuple[float, int]:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape[1:]
    images = np.fromfile(path.with_suffix(".input"), np.float32).reshape(-1, *shape)
    expected = np.fromfile(path.with_suffix(".output"), np.float32).reshape(len(images), -1)
    together = session.run(["embedding"], {"image": images})[0]
    alone = np.concatenate([session.run(["embedding"], {"image": image[None]})[0] for image in images])
    found = max(np.abs(together - expected).max(), np.abs(alone - expected).max())
    return float(found), expected.shape[1]


def main() -> int:
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    worst = 0.0
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        found, dimension = difference(path)
        worst = max(worst, found)
        print(f"{path.stem:<14} {dimension} numbers  largest difference {found:.1e}")
    return int(worst > LIMIT or worst == 0.0)


if __name__ == "__main__":
    sys.exit(main())
