"""Clustering of validation faces beside scikit-learn, Chinese whispers and approximate rank-order.

python benches/peers/clustering.py GALLERY_EXAMPLE EMBEDDINGS.npy ROWS.jsonl [PHOTOS.csv]
Each method's threshold is chosen on half of the people (BCubed F) and measured on the other half, both ways; `best` is the
best on all.
"""
import csv, json, subprocess, sys, tempfile, os
import numpy as np
from sklearn.cluster import AgglomerativeClustering, DBSCAN
import sklearn

def bcubed_pair(t, c):
    _, t = np.unique(t, return_inverse=True); _, c = np.unique(c, return_inverse=True)
    m = {}
    for a, b in zip(t, c): m[(a, b)] = m.get((a, b), 0) + 1
    pt, pc = np.bincount(t), np.bincount(c)
    n = len(t); pr = sum(v * v / pc[b] for (a, b), v in m.items()) / n; re = sum(v * v / pt[a] for (a, b), v in m.items()) / n
    pairs = lambda x: float((x * (x - 1) / 2).sum())
    right = pairs(np.array(list(m.values()), float)); found, want = pairs(pc.astype(float)), pairs(pt.astype(float))
    return 2 * pr * re / (pr + re), 2 * right / (found + want), right / max(found, 1)

def whispers(D, t, rounds=50):
    """As dlib's chinese_whispers_clustering: edges below a distance, random face after random face."""
    n = len(D); rng = np.random.default_rng(0); lab = np.arange(n)
    nb = [np.flatnonzero((D[i] < t)) for i in range(n)]
    for i in range(n): nb[i] = nb[i][nb[i] != i]
    for i in rng.integers(0, n, n * rounds):
        if len(nb[i]):
            v, k = np.unique(lab[nb[i]], return_counts=True); lab[i] = v[k.argmax()]
    return lab

def rank_order(X, thresholds, k=40):
    """Approximate rank-order (Otto, Wang and Jain 2017): faces are joined that have near neighbours in common."""
    n = len(X); k = min(k, n - 1)
    near = np.argsort(-(X @ X.T), 1, kind='stable')[:, : k + 1]
    rank = [{b: i for i, b in enumerate(row)} for row in near]
    pairs = []
    for a in range(n):
        for b in near[a, 1:]:
            if b in rank[a] and a in rank[b] and a < b:
                missed = lambda x, y: sum(f not in rank[y] for f in near[x, 1 : rank[x][y] + 1])
                pairs.append(((missed(a, b) + missed(b, a)) / min(rank[a][b], rank[b][a]), a, b))
    pairs.sort()
    parent = list(range(n))
    def root(x):
        while parent[x] != x: parent[x] = parent[parent[x]]; x = parent[x]
        return x
    out, i = [], 0
    for t in thresholds:
        while i < len(pairs) and pairs[i][0] <= t: parent[root(pairs[i][1])] = root(pairs[i][2]); i += 1
        out.append(np.array([root(x) for x in range(n)]))
    return out

def main():
    gal, emb, rows = sys.argv[1:4]
    X = np.load(emb).astype(np.float32)
    meta = [json.loads(l) for l in open(rows)]
    if len(sys.argv) > 4:
        who = {r['file']: r['person'] for r in csv.DictReader(open(sys.argv[4]))}
        main_face = {}
        for i, m in enumerate(meta):
            b = m['face']['box']; f = os.path.basename(m['path'])
            if f in who and (f not in main_face or b['width'] * b['height'] > main_face[f][0]): main_face[f] = (b['width'] * b['height'], i)
        idx = sorted(i for _, i in main_face.values()); X = X[idx]; P = [who[os.path.basename(meta[i]['path'])] for i in idx]
    else:
        P = [m['path'].split('/')[-2] for m in meta]
    P = np.array(P); people = np.unique(P); half = np.isin(P, people[np.random.default_rng(1).permutation(len(people))[: len(people) // 2]])
    T = [round(.04 * i, 2) for i in range(1, 31)]
    def ours(X, k):
        with tempfile.NamedTemporaryFile(suffix='.f32') as f:
            X.tofile(f.name)
            out = subprocess.run([gal, 'labels', f.name, str(X.shape[1]), str(k), *map(str, T)], capture_output=True, text=True, check=True).stdout
        return [np.array(l.split(), int) for l in out.splitlines()]
    def agg(X):
        D = np.clip(2 - 2 * X @ X.T, 0, 4)
        return [AgglomerativeClustering(n_clusters=None, distance_threshold=t, metric='precomputed', linkage='average').fit(D).labels_ for t in T]
    def dbscan(m):
        def f(X):
            D = np.clip(2 - 2 * X @ X.T, 0, 4); out = []
            for t in T:
                l = DBSCAN(eps=t, min_samples=m, metric='precomputed').fit(D).labels_; l = np.where(l < 0, np.arange(len(l)) + 10**6, l); out.append(l)
            return out
        return f
    def cw(X):
        D = np.clip(2 - 2 * X @ X.T, 0, 4); return [whispers(D, t, 8) for t in T]
    print(f'{len(X)} faces of {len(people)} people; numpy {np.__version__}, scikit-learn {sklearn.__version__}')
    print('method                     other half: BCubed F, pairwise F | best on all: BCubed F (threshold), pairwise F (threshold)')
    for name, f in (('ours, all pairs', lambda X: ours(X, 0)), ('ours, 32 neighbours', lambda X: ours(X, 32)), ('sklearn agglomerative', agg),
                    ('sklearn DBSCAN min 1', dbscan(1)), ('sklearn DBSCAN min 3', dbscan(3)), ('Chinese whispers', cw),
                    ('rank-order', lambda X: rank_order(X, T))):
        S = []
        for part in (half, ~half):
            S.append([bcubed_pair(P[part], l) for l in f(X[part])])
        other = []
        for a, b in ((0, 1), (1, 0)):
            other.append((S[b][max(range(len(T)), key=lambda i: S[a][i][0])][0], S[b][max(range(len(T)), key=lambda i: S[a][i][1])][1]))
        A = [bcubed_pair(P, l) for l in f(X)]
        bb = max(range(len(T)), key=lambda i: A[i][0]); bp = max(range(len(T)), key=lambda i: A[i][1])
        o = np.mean(other, 0)
        print(f'{name:26} {o[0]:.4f}  {o[1]:.4f}  | {A[bb][0]:.4f} ({T[bb]})  {A[bp][1]:.4f} ({T[bp]})', flush=True)
        if name == 'ours, all pairs':
            print('   threshold: pairwise precision, ours:', ' '.join(f'{t}:{a[2]:.4f}' for t, a in zip(T, A)))
main()
