"""Makes the fixtures of testdata/official: tiny files in the official layouts,
each written by the tool that wrote the real ones. `python make_official.py
PYTHON2` with NumPy; PYTHON2 is a Python 2.7 with NumPy 1.16. The pixels follow
formulas that the tests of package datasets know."""
import gzip
import io
import os
import pickle
import subprocess
import sys
import tarfile
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.join(here, "official")
for name in ["cifar-10-batches-py", "cifar-100-python", "python3"]:
    os.makedirs(os.path.join(top, name), exist_ok=True)
subprocess.run([sys.argv[1], os.path.join(here, "make_python2.py"), top], check=True)


def pack(archive, folder):
    """A .tar.gz without times, so that it is the same each time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name in sorted(os.listdir(os.path.join(top, folder))):
            path = os.path.join(top, folder, name)
            info = tar.gettarinfo(path, f"{folder}/{name}")
            info.mtime = info.uid = info.gid = 0
            info.uname = info.gname = ""
            with open(path, "rb") as f:
                tar.addfile(info, f)
    with open(os.path.join(top, archive), "wb") as f, gzip.GzipFile("", "wb", fileobj=f, mtime=0) as z:
        z.write(raw.getvalue())


pack("cifar-10-python.tar.gz", "cifar-10-batches-py")

# The same batch in every protocol of Python 3.
i, j = np.mgrid[:2, :3072]
data = (i * 57 + j * 7 + j // 1024 * 31 + 9).astype(np.uint8)
for protocol in range(2, 6):
    with open(os.path.join(top, "python3", f"test_batch_{protocol}"), "wb") as f:
        pickle.dump({b"data": data, b"labels": [4, 6]} if protocol % 2 else {"data": data, "labels": [4, 6]}, f, protocol)

# 300K random images: uint8 [n, 32, 32, 3], and what the file is not.
n, y, x, c = np.mgrid[:5, :32, :32, :3]
images = (n * 57 + y * 7 + x * 13 + c * 31).astype(np.uint8)
np.save(os.path.join(top, "300K_random_images.npy"), images)
with open(os.path.join(top, "version2.npy"), "wb") as f:
    np.lib.format.write_array(f, images[:2], version=(2, 0))
np.save(os.path.join(top, "fortran.npy"), np.asfortranarray(images[:2]))
np.save(os.path.join(top, "float.npy"), images[:1, :2, :2].astype(np.float32))

# 80 Million Tiny Images: MATLAB's order, column by column in each of three
# planes, one image after another without a header.
images.transpose(0, 3, 2, 1).tofile(os.path.join(top, "tiny_images.bin"))
with open(os.path.join(top, "80mn_cifar_idxs.txt"), "w") as f:
    f.write("2\n5\n")  # counted from 1

# The legacy generator of NumPy, for numpy_random_test.go.
for seed, n in [(1993, 1000), (1, 10), (1, 328500)]:
    np.random.seed(seed)
    p = np.random.permutation(n)
    print(seed, n, p[:12].tolist(), int((p * np.arange(n)).sum()))
np.random.seed(1)
print(np.random.choice(1000, 12, replace=False).tolist())
