"""The bench `cargo bench -p facenet-eval` in Python: all pairs of faces scored and ranked.

    pip install numpy==2.4.6 scikit-learn==1.9.1
    python eval_pairs.py sklearn 14143      # roc_curve and roc_auc_score
    python eval_pairs.py numpy 14143        # sorts the impostors' distances only

Prints seconds and peak resident memory. One way a process, since memory is a maximum.
"""
import resource
import sys
import time

import numpy as np

DIMENSION, FACES_A_PERSON, SPREAD = 128, 10, 2.0
FARS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def faces(count):
    rng = np.random.default_rng(1)
    people = np.arange(count) // FACES_A_PERSON
    own = rng.uniform(-1, 1, (people[-1] + 1, DIMENSION))
    drawn = own[people] + SPREAD * rng.uniform(-1, 1, (count, DIMENSION))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32), people


def score(embeddings, people):
    """Squared distances and labels of each pair once, row by row: 5 bytes a pair."""
    count = len(people)
    distances = np.empty(count * (count - 1) // 2, np.float32)
    same = np.empty(distances.size, bool)
    at = 0
    block = 1024
    for start in range(0, count, block):
        products = embeddings[start:start + block] @ embeddings[start:].T
        for i in range(products.shape[0]):
            row = start + i
            n = count - row - 1
            distances[at:at + n] = 2 - 2 * products[i, i + 1:]
            same[at:at + n] = people[row + 1:] == people[row]
            at += n
    return distances, same


def with_sklearn(distances, same):
    from sklearn.metrics import roc_auc_score, roc_curve

    far, val, _ = roc_curve(same, -distances)
    vals = [val[np.searchsorted(far, target, side="right") - 1] for target in FARS]
    equal = np.argmin(np.abs(far - (1 - val)))
    return vals, (far[equal] + 1 - val[equal]) / 2, roc_auc_score(same, -distances)


def with_numpy(distances, same):
    genuine, impostors = np.sort(distances[same]), np.sort(distances[~same])
    ranks = np.searchsorted(impostors, genuine, side="left")
    vals = [(ranks < np.floor(target * impostors.size) + 1).mean() for target in FARS]
    far, miss = ranks / impostors.size, 1 - np.arange(1, genuine.size + 1) / genuine.size
    equal = np.argmin(np.abs(far - miss))
    return vals, (far[equal] + miss[equal]) / 2, 1 - ranks.mean() / impostors.size


way, count = sys.argv[1], int(sys.argv[2])
embeddings, people = faces(count)
start, used = time.perf_counter(), time.process_time()
distances, same = score(embeddings, people)
scored = time.perf_counter()
vals, eer, auc = {"sklearn": with_sklearn, "numpy": with_numpy}[way](distances, same)
end, used = time.perf_counter(), time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{way}: {distances.size} pairs, scored {scored - start:.2f} s, ranked {end - scored:.2f} s, "
      f"together {end - start:.2f} s, of the processor {used:.2f} s, peak {peak:.0f} MiB")
print("VAL", [round(float(v), 5) for v in vals], "EER", round(float(eer), 5), "AUC", round(float(auc), 6))
