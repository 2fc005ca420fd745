"""Search among made-up faces beside faiss and usearch: time to build, memory, recall@10, p50 and p99.

cargo run --release -p facenet-gallery --example gallery -- write FACES base FOLDER
python benches/peers/search.py FOLDER
Needs numpy, faiss-cpu and usearch. One search after another, on one thread; graphs are built on all.
"""
import resource, sys, time
from importlib.metadata import version

import faiss
import numpy as np
from usearch.index import Index

DIMENSION, M, BUILD, SEARCH = 128, 16, 128, (64, 128, 256)


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 2**20


def times(name, search, probes, truth):
    seconds, found = [], []
    for probe in probes:
        start = time.perf_counter()
        ids = search(probe)
        seconds.append(time.perf_counter() - start)
        found.append(len(set(ids.tolist()) & set(truth[len(found)].tolist())) / 10)
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    print(f"{name}: recall@10 {np.mean(found):.4f}, p50 {p50:.3f} ms, p99 {p99:.3f} ms", flush=True)


def built(name, make):
    before, start = resident(), time.perf_counter()
    index = make()
    seconds = time.perf_counter() - start
    print(f"{name}: built in {seconds:.1f} s, {resident() - before:.2f} GiB", flush=True)
    return index


def main():
    read = lambda name: np.fromfile(f"{sys.argv[1]}/{name}.f32", np.float32).reshape(-1, DIMENSION)
    rows, probes = read("rows"), read("probes")
    print(f"{len(rows)} faces; faiss-cpu {version('faiss-cpu')}, usearch {version('usearch')}")

    def flat():
        index = faiss.IndexFlatL2(DIMENSION)
        index.add(rows)
        return index

    exact = built("faiss exact", flat)
    truth = exact.search(probes, 10)[1]
    faiss.omp_set_num_threads(1)
    times("faiss exact", lambda probe: exact.search(probe[None], 10)[1][0], probes[:200], truth)
    faiss.omp_set_num_threads(2)
    del exact

    def hnsw():
        # Its M is the edges of the upper layers too; the lowest has twice as many, as ours.
        index = faiss.IndexHNSWFlat(DIMENSION, M)
        index.hnsw.efConstruction = BUILD
        index.add(rows)
        return index

    index = built("faiss hnsw", hnsw)
    faiss.omp_set_num_threads(1)
    for ef in SEARCH:
        index.hnsw.efSearch = ef
        times(f"faiss hnsw ef {ef}", lambda probe: index.search(probe[None], 10)[1][0], probes, truth)
    del index

    def graph():
        index = Index(
            ndim=DIMENSION, metric="l2sq", dtype="f32", connectivity=M, expansion_add=BUILD, expansion_search=BUILD
        )
        index.add(np.arange(len(rows)), rows)
        return index

    index = built("usearch hnsw", graph)
    for ef in SEARCH:
        index.expansion_search = ef
        times(f"usearch hnsw ef {ef}", lambda probe: index.search(probe, 10).keys, probes, truth)
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


main()
