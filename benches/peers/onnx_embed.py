"""Images a second that the program embeds, beside ONNX Runtime on the file that the program exports of the same model.

    cargo run --release -p facenet-onnx --example reference -- FOLDER lite nn4-bn mobilefacenet
    python benches/peers/onnx_embed.py target/release/facenet FOLDER [ROUNDS]

Needs `onnxruntime` and `numpy`. Both sides are measured in turn in every round, best of five runs of 0.2 seconds or more, so
that what else the machine does falls on both; the ratio is the median over the rounds, the rates are the best.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime

CASES = [(1, 1), (32, 1), (32, 2)]  # batch, threads


def ours(program, model):
    command = [program, "bench", "--model", model, "--threads", "2", "--json"]
    measures = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["measures"]
    of = {measure["batch"]: measure for measure in measures if measure["name"] == "embed"}
    keys = {1: "one_thread", 2: "all_threads"}
    return {(batch, threads): of[batch][keys[threads]] for batch, threads in CASES}


def theirs(file):
    rates = {}
    for batch, threads in CASES:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape[1:]
        images = np.random.default_rng(0).standard_normal((batch, *shape), np.float32)
        session.run(None, {"image": images})
        best = 0.0
        for _ in range(5):
            start, done = time.perf_counter(), 0
            while time.perf_counter() - start < 0.2:
                session.run(None, {"image": images})
                done += batch
            best = max(best, done / (time.perf_counter() - start))
        rates[batch, threads] = best
    return rates


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    print(f"onnxruntime {onnxruntime.__version__}, {rounds} rounds")
    print(f"{'network':<16}{'batch':>6}{'threads':>9}{'facenet':>10}{'ORT':>10}{'ratio':>8}   ratios of the rounds")
    for name in ("lite", "nn4-bn", "mobilefacenet"):
        results = [
            (ours(program, folder / f"{name}.safetensors"), theirs(folder / f"{name}.onnx")) for _ in range(rounds)
        ]
        for case in CASES:
            ratios = [a[case] / b[case] for a, b in results]
            best = [max(side[case] for side in sides) for sides in zip(*results)]
            told = " ".join(f"{ratio:.2f}" for ratio in ratios)
            print(
                f"{name:<16}{case[0]:>6}{case[1]:>9}{best[0]:>10.0f}{best[1]:>10.0f}"
                f"{statistics.median(ratios):>8.2f}   {told}"
            )


if __name__ == "__main__":
    main()
