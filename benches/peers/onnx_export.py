"""Runs the ONNX files that the program exports in ONNX Runtime, and holds the embeddings against the program's own.

    cargo run --release -p facenet-onnx --example reference -- FOLDER lite-neck lite-pyramid lite-refiner nn4 nn4-bn nns1 nns2 mobilefacenet iresnet18
    python benches/peers/onnx_export.py FOLDER

Needs `onnx`, `onnxruntime` and `numpy`. Of a detector (`lite-pyramid`, `lite-refiner`) what it gives is compared. Each file is also checked against
the standard by `onnx.checker`. Prints a line a network and ends with 1 when a number differs by more than 1e-4.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

LIMIT = 1e-4
SIDES = {"height": 96, "width": 64}


def difference(path: Path) -> tuple[float, int]:
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    # The sides of a detector's input are names.
    shape = [side if isinstance(side, int) else SIDES[side] for side in session.get_inputs()[0].shape[1:]]
    images = np.fromfile(path.with_suffix(".input"), np.float32).reshape(-1, *shape)
    expected = np.fromfile(path.with_suffix(".output"), np.float32)
    together = session.run(None, {"image": images})
    alone = [np.concatenate(rows) for rows in zip(*(session.run(None, {"image": image[None]}) for image in images))]
    flat = [np.concatenate([output.ravel() for output in outputs]) for outputs in (together, alone)]
    return float(max(np.abs(numbers - expected).max() for numbers in flat)), len(expected) // len(images)


def main() -> int:
    print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")
    worst = 0.0
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        found, count = difference(path)
        worst = max(worst, found)
        print(f"{path.stem:<14} {count} numbers  largest difference {found:.1e}")
    return int(worst > LIMIT or worst == 0.0)


if __name__ == "__main__":
    sys.exit(main())
