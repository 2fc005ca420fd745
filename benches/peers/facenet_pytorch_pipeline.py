"""From photos to embeddings by facenet-pytorch: its MTCNN (weights in the package) and InceptionResnetV1.

python benches/peers/facenet_pytorch_pipeline.py FOLDER THREADS [LIMIT]
Needs facenet-pytorch, torch and Pillow. The network's weights are drawn, because the package downloads them and only the time
is of interest. Prints photos a second by stage and altogether, and the peak of memory.
"""
import resource, sys, time
from importlib.metadata import version
from pathlib import Path

import torch
from facenet_pytorch import MTCNN, InceptionResnetV1
from PIL import Image


def main():
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    files = sorted(file for file in folder.rglob("*") if file.is_file())[: int(sys.argv[3]) if len(sys.argv) > 3 else None]
    torch.set_num_threads(threads)
    detector = MTCNN(keep_all=True)
    network = InceptionResnetV1(pretrained=None).eval()
    spent, faces = dict.fromkeys(["decode", "detect", "align", "embed"], 0.0), 0

    def timed(stage, work):
        start = time.perf_counter()
        result = work()
        spent[stage] += time.perf_counter() - start
        return result

    with torch.no_grad():
        for file in files:
            image = timed("decode", lambda: Image.open(file).convert("RGB"))
            boxes, _ = timed("detect", lambda: detector.detect(image))
            if boxes is not None:
                crops = timed("align", lambda: detector.extract(image, boxes, None))
                faces += len(timed("embed", lambda: network(crops)))
    total = sum(spent.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    versions = ", ".join(f"{package} {version(package)}" for package in ("facenet-pytorch", "torch", "pillow"))
    print(f"{len(files)} photos, {faces} faces, {threads} threads; {versions}")
    for stage, seconds in spent.items():
        print(f"  {stage:7} {len(files) / seconds:8.1f} photos/s" if seconds else f"  {stage:7} -")
    print(f"  all     {len(files) / total:8.2f} photos/s, peak {peak:.0f} MiB")


if __name__ == "__main__":
    main()
