"""Makes the fixtures of this folder: pictures and what Pillow reads from them,
MATLAB files as scipy writes them. Run with Pillow 9.4.0 (libjpeg-turbo 2.1.4)
and scipy; `python make.py`."""
import os
import zlib
import numpy as np
import scipy.io
from PIL import Image

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def flat(width, height, block, seed, channels=3):
    """Random colours in blocks: each 8x8 block of the JPEG is of one value, so
    that only the upsampling and the colours are tested, not the DCT."""
    rng = np.random.default_rng(seed)
    rows, cols = -(-height // block), -(-width // block)
    a = rng.integers(0, 256, (rows, cols, channels), dtype=np.uint8)
    return a.repeat(block, 0).repeat(block, 1)[:height, :width]


def smooth(width, height):
    y, x = np.mgrid[:height, :width]
    a = np.stack([128 + 100 * np.sin(x / 5 + y / 9), 128 + 90 * np.cos(x / 7 - y / 3), (x * 5 + y * 3) % 256], -1)
    return a.clip(0, 255).astype(np.uint8)


def golden(name):
    Image.open(f"pillow/{name}").convert("RGB").save(f"pillow/{name}.png", optimize=True)


def save(name, array, mode="RGB", **options):
    Image.fromarray(array, mode).save(f"pillow/{name}", **options)
    golden(name)


save("420.jpg", flat(64, 48, 16, 1), quality=95, subsampling=2)
save("420-odd.jpg", flat(35, 21, 16, 2), quality=95, subsampling=2)
save("420-narrow.jpg", flat(3, 37, 16, 3), quality=95, subsampling=2)
save("422.jpg", flat(64, 32, 16, 4), quality=95, subsampling=1)
save("422-odd.jpg", flat(45, 19, 16, 5), quality=95, subsampling=1)
save("444.jpg", flat(40, 24, 8, 6), quality=95, subsampling=0)
save("grey.jpg", flat(40, 24, 8, 7, 1)[:, :, 0], "L", quality=95)
save("cmyk.jpg", flat(40, 24, 8, 8, 4), "CMYK", quality=95)
save("smooth.jpg", smooth(61, 47), quality=90, subsampling=2)
save("progressive.jpg", smooth(61, 47), quality=90, subsampling=2, progressive=True)

# 4:4:0 is 4:2:2 with the two sampling factors of the first component swapped.
data = bytearray(open("pillow/422.jpg", "rb").read())
at = data.index(b"\xff\xc0") + 11
assert data[at] == 0x21
data[at] = 0x12
open("pillow/440.jpg", "wb").write(data)
golden("440.jpg")

# Checksums of resized pictures, for the table in resize_test.go.
y, x, c = np.mgrid[:133, :200, :3]
noise = ((x * 7919 + y * 104729 + c * 1299709 + x * y * 31) >> 2).astype(np.uint8)
for w, h in [(32, 32), (48, 32), (200, 32), (32, 133), (64, 300), (7, 5), (1, 1), (199, 134)]:
    out = Image.fromarray(noise).resize((w, h), Image.BILINEAR)
    print(f"{{{w}, {h}, 0x{zlib.crc32(out.tobytes()):08x}}},")

# X[h, w, c, n] and labels that go through 1 to 10.
h, w, c, n = np.mgrid[:4, :3, :3, :12]
x = (h * 7 + w * 13 + c * 31 + n * 57).astype(np.uint8)
y = (np.arange(12) % 10 + 1).reshape(-1, 1)
scipy.io.savemat("scipy/compressed.mat", {"X": x, "y": y.astype(np.uint8)}, do_compression=True)
scipy.io.savemat("scipy/plain.mat", {"note": "text", "y": y.astype(np.float64), "X": x}, do_compression=False)
