"""The same service as most would write it: FastAPI, uvicorn and ONNX Runtime, for `service_load.py` to measure beside.

    CROPS=FOLDER MODEL=small.onnx uvicorn --app-dir benches/peers service:app --port 8760

Needs `fastapi`, `uvicorn[standard]`, `onnxruntime`, `numpy`, `pillow`. FOLDER has a folder of aligned crops for each person, which
are the gallery. Both routes take a crop as it is in its file, and answer as the program's routes of that name do.
"""

import io
import os
from pathlib import Path

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image

FIELD = 0.875
THRESHOLD = 0.4496

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", "1"))
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
edge = session.get_inputs()[0].shape[2]


def pixels(data):
    """What the network sees of a crop: [3, edge, edge]."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    margin = image.width * (1 - FIELD) / 2
    box = (margin, margin, image.width - margin, image.height - margin)
    image = image.resize((edge, edge), Image.Resampling.BILINEAR, box)
    return (np.asarray(image, np.float32).transpose(2, 0, 1) - 127.5) / 128


def embed(images):
    return session.run(None, {"image": np.stack(images)})[0]


names, owners, rows = [], [], []
for folder in sorted(path for path in Path(os.environ["CROPS"]).iterdir() if path.is_dir()):
    files = sorted(folder.iterdir())
    for start in range(0, len(files), 32):
        rows.append(embed([pixels(file.read_bytes()) for file in files[start : start + 32]]))
    owners += [len(names)] * len(files)
    names.append(folder.name)
rows, owners = np.concatenate(rows), np.asarray(owners)

app = FastAPI()


def look(data):
    return embed([pixels(data)])[0]


def nearest(data, k):
    probe = look(data)
    distances = 2 - 2 * (rows @ probe)
    best = np.full(len(names), np.inf, np.float32)
    np.minimum.at(best, owners, distances)
    found = np.argpartition(best, k)[:k]
    found = found[np.argsort(best[found])]
    return [{"person": names[index], "distance": float(best[index])} for index in found]


@app.post("/v1/embed")
async def embed_route(request: Request):
    embedding = await run_in_threadpool(look, await request.body())
    return {"faces": [{"embedding": embedding.tolist()}]}


@app.post("/v1/identify")
async def identify_route(request: Request):
    near = await run_in_threadpool(nearest, await request.body(), 3)
    person = near[0]["person"] if near[0]["distance"] <= THRESHOLD else None
    return {"faces": [{"person": person, "nearest": near}]}
