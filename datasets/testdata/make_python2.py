"""Writes CIFAR batches as their author did: Python 2's cPickle, protocol 2.
Run by make_official.py with Python 2.7 and NumPy 1.16."""
import cPickle
import sys
import numpy as np

top = sys.argv[1]


def batch(name, n, seed, **labels):
    i, j = np.mgrid[:n, :3072]
    entries = {"batch_label": name, "data": (i * 57 + j * 7 + j // 1024 * 31 + seed).astype(np.uint8),
               "filenames": ["%s_%04d.png" % (name.replace(" ", "_"), k) for k in range(n)]}
    entries.update(labels)
    return entries


def write(name, value):
    with open(top + "/" + name, "wb") as f:
        cPickle.dump(value, f, 2)


write("cifar-10-batches-py/data_batch_1", batch("training batch 1 of 2", 3, 1, labels=[3, 0, 9]))
write("cifar-10-batches-py/data_batch_2", batch("training batch 2 of 2", 2, 2, labels=[1, 2]))
write("cifar-10-batches-py/test_batch", batch("testing batch 1 of 1", 2, 3, labels=[8, 7]))
names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
write("cifar-10-batches-py/batches.meta", {"num_cases_per_batch": 10000, "label_names": names, "num_vis": 3072})
write("cifar-100-python/train", batch("training batch 1 of 1", 3, 4, fine_labels=[19, 99, 0], coarse_labels=[11, 4, 4]))
write("cifar-100-python/test", batch("testing batch 1 of 1", 1, 5, fine_labels=[49], coarse_labels=[10]))
write("cifar-100-python/meta", {"fine_label_names": ["fine_%02d" % i for i in range(100)],
                                "coarse_label_names": ["coarse_%02d" % i for i in range(20)]})
