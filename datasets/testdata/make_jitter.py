# Digests of Pillow's colour changes, for jitter_test.go. Run with Pillow 13.
import hashlib

from PIL import Image, ImageEnhance

x, data = 1, bytearray()
for i in range(64 * 64 * 3):  # bytes of a linear congruential generator; grey pixels now and then
    x = (x * 1664525 + 1013904223) % 2**32
    data.append(data[-1] if i % 3 and i // 3 % 16 == 0 else x >> 24)
image = Image.frombytes("RGB", (64, 64), bytes(data))


def hue(turn):
    h, s, v = image.convert("HSV").split()
    h = Image.frombytes("L", h.size, bytes((a + int(turn * 255)) % 256 for a in h.tobytes()))
    return Image.merge("HSV", (h, s, v)).convert("RGB")


def digest(name, im):
    print(f'\t\t"{name}": "{hashlib.sha256(im.tobytes()).hexdigest()}",')


digest("as it is", image)
for f in 0.83, 1.19:
    digest(f"brightness {f:g}", ImageEnhance.Brightness(image).enhance(f))
    digest(f"contrast {f:g}", ImageEnhance.Contrast(image).enhance(f))
    digest(f"saturation {f:g}", ImageEnhance.Color(image).enhance(f))
for f in 0.1, -0.07:
    digest(f"hue {f:g}", hue(f))
