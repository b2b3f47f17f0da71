"""Writes sklearn.json: what scikit-learn's KMeans finds on twenty small data sets.

The sets themselves are made of a SplitMix64 stream here and in fixtures_test.go,
so only the results are stored. Run: python make_fixtures.py (scikit-learn 1.9).
"""

import json
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

MASK = (1 << 64) - 1


class Stream:
    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        """A multiple of 2^-24 in [0, 1), exact in float32."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 40) / float(1 << 24)


def points(case):
    """Blobs of the given spread around uniform places, moved by an offset."""
    s = Stream(case["seed"])
    dim, blobs = case["dim"], case["blobs"]
    places = np.array([[s.uniform() for _ in range(dim)] for _ in range(blobs)], np.float32)
    x = np.empty((case["n"], dim), np.float32)
    for i in range(case["n"]):
        for j in range(dim):
            noise = np.float32(s.uniform() - 0.5) * np.float32(case["spread"])
            x[i, j] = (places[i % blobs, j] + noise) + np.float32(case["offset"])
    return x


def first_centers(case, x):
    init = x[:: case["n"] // case["k"]][: case["k"]].copy()
    if case["far"]:
        init[0] += np.float32(64)  # nearest to no point: an empty cluster at once
    return init


CASES = [
    # n, dim, k, blobs, spread, offset, far
    (120, 2, 4, 4, 0.125, 0, False),
    (300, 2, 7, 5, 0.5, 0, False),
    (300, 3, 8, 8, 0.5, 64, False),
    (500, 5, 10, 20, 1.0, 0, False),
    (500, 8, 16, 16, 1.0, -32, False),
    (400, 16, 20, 10, 2.0, 0, False),
    (600, 16, 12, 30, 1.0, 0, True),
    (384, 32, 24, 12, 2.0, 0, False),
    (384, 64, 64, 10, 2.0, 0, False),
    (384, 96, 64, 19, 1.0, 0, True),
    (250, 1, 6, 9, 0.25, 0, False),
    (1000, 4, 30, 11, 0.5, 16, False),
    (1500, 6, 25, 40, 0.5, 0, False),
    (2500, 3, 12, 6, 1.0, 0, False),
    (200, 48, 50, 5, 1.0, 0, False),
    (200, 10, 100, 7, 2.0, 0, False),
    (777, 7, 13, 21, 0.75, 0, False),
    (640, 20, 32, 32, 1.5, 128, False),
    (900, 12, 9, 9, 2.0, 0, True),
    (512, 24, 40, 15, 1.0, 0, False),
]


def main():
    warnings.simplefilter("ignore", ConvergenceWarning)
    out = []
    for i, (n, dim, k, blobs, spread, offset, far) in enumerate(CASES):
        case = dict(n=n, dim=dim, k=k, seed=i + 1, blobs=blobs, spread=spread, offset=offset, far=far)
        x = points(case)
        given = KMeans(k, init=first_centers(case, x), n_init=1).fit(x)
        own = [KMeans(k, n_init=3, random_state=r).fit(x).inertia_ for r in range(10)]
        case["labels"] = given.labels_.astype(np.uint8).tobytes().hex()
        case["iterations"] = given.n_iter_
        case["inertia"] = float(given.inertia_)
        case["own_mean"] = float(np.mean(own, dtype=np.float64))
        out.append(case)
    path = Path(__file__).with_name("sklearn.json")
    rows = ",\n".join(json.dumps(c) for c in out)
    path.write_text('{"version": "%s", "cases": [\n%s\n]}\n' % (sklearn.__version__, rows))


if __name__ == "__main__":
    main()
