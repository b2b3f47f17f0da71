#!/usr/bin/env python3
"""Times the kmeans package and scikit-learn alternately on the same jobs and prints the ratios of wall time.

  python3 scripts/bench_kmeans.py [--rounds 3] [--threads 2] [--jobs sampling,lloyd,seeds]     # a Python with scikit-learn

Jobs, on float32 noise: sampling, what GReg+ does in a step (384 points of 342 numbers, 64 clusters, 3 restarts of two
iterations each); lloyd, 20 iterations of 50,000 points of 512 numbers and 1,000 clusters from given centers; seeds,
k-means++ for the same, which takes scikit-learn a minute.
"""
import argparse, os, re, statistics, subprocess, time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument("--rounds", type=int, default=3)
p.add_argument("--threads", type=int, default=2)
p.add_argument("--jobs", default="sampling,lloyd,seeds")
a = p.parse_args()
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(a.threads)

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

NAMES = {"sampling": "Sampling2", "lloyd": "Lloyd", "seeds": "Seeds"}


def ours(job):
    """Seconds of one run of the benchmark."""
    out = subprocess.run(["go", "test", "-run", "^$", "-bench", f"^Benchmark{NAMES[job]}$", "-cpu", str(a.threads), "./kmeans"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"([\d.]+) ns/op", out)[1]) / 1e9


def peer(job, x):
    """Seconds of the fastest of a few runs of scikit-learn, one of the long jobs."""
    def run():
        if job == "sampling":
            assert KMeans(64, n_init=3, max_iter=2, tol=0, random_state=1).fit(x).n_iter_ == 2
        elif job == "lloyd":
            assert KMeans(1000, init=x[:1000], n_init=1, max_iter=20, tol=0).fit(x).n_iter_ == 20
        else:
            kmeans_plusplus(x, 1000, random_state=1)

    best = float("inf")
    for _ in range(20 if job == "sampling" else 1):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


print(f"{'job':9} {'ours, s':>9} {'peer, s':>9}  ratio (median, min..max of {a.rounds} rounds, {a.threads} threads)")
for job in a.jobs.split(","):
    shape = (384, 342) if job == "sampling" else (50000, 512)
    x = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    mine, theirs = [], []
    for _ in range(a.rounds):
        mine.append(ours(job))
        theirs.append(peer(job, x))
    ratio = [t / m for m, t in zip(mine, theirs)]
    print(f"{job:9} {statistics.median(mine):9.4f} {statistics.median(theirs):9.4f}  "
          f"{statistics.median(ratio):.2f} ({min(ratio):.2f}..{max(ratio):.2f})", flush=True)
