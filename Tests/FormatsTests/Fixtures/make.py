"""Makes the files beside it with the reference implementations: safetensors, NumPy, Pillow.

pip install numpy ml_dtypes safetensors pillow; python make.py
Values are closed forms, so that the tests need no second copy of them; each file is read back here first.
"""
import io, os, struct, zipfile, zlib

import ml_dtypes
import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

os.chdir(os.path.dirname(os.path.abspath(__file__)))

# 1. safetensors: every element type, value k - 1 at place k (booleans: whether k is odd).
TYPES = dict(
    bool="bool", int8="i1", int16="i2", int32="i4", int64="i8", uint8="u1", uint16="u2", uint32="u4", uint64="u8",
    float16="f2", bfloat16=ml_dtypes.bfloat16, float32="f4", float64="f8", complex64="c8")


def values(dtype, shape):
    k = np.arange(int(np.prod(shape)))
    if dtype == "bool":
        return (k % 2 == 1).reshape(shape)
    if np.dtype(dtype).kind == "u":
        return k.astype(dtype).reshape(shape)
    x = (k - 1).astype("f8")
    return (x + 2j * x if dtype == "c8" else x).astype(dtype).reshape(shape)


tensors = {name: values(d, (2, 3)) for name, d in TYPES.items()}
tensors["scalar"] = np.array(7, "f4")
tensors["empty"] = np.zeros((0, 4), "f4")
tensors["größe \"x\""] = np.array([1], "u1")
save_file(tensors, "all.safetensors", metadata={"made by": "safetensors"})
assert set(load_file("all.safetensors")) == set(tensors)

# 2. NumPy: orders, byte orders, versions. Element at (i, j, k): 100 i + 10 j + k.
base = np.fromfunction(lambda i, j, k: 100 * i + 10 * j + k, (2, 3, 4))
arrays = {
    "c_f4": (base.astype("<f4"), (1, 0)),
    "fortran_f8": (np.asfortranarray(base.astype("<f8")), (1, 0)),
    "big_i4": (base.astype(">i4"), (1, 0)),
    "big_fortran_u2": (np.asfortranarray(base.astype(">u2")), (2, 0)),
    "big_c8": ((base + 1j).astype(">c8"), (1, 0)),
    "half": (base.astype("<f2"), (3, 0)),
    "bool": (base % 2 == 1, (1, 0)),
    "vector": (np.arange(5, dtype="i8"), (2, 0)),
    "scalar": (np.array(2.5), (1, 0)),
    "empty": (np.zeros((0, 3), "f4"), (1, 0)),
}
for name, method in (("stored.npz", zipfile.ZIP_STORED), ("deflated.npz", zipfile.ZIP_DEFLATED)):
    with zipfile.ZipFile(name, "w", method) as z:
        for key, (array, version) in arrays.items():
            with z.open(key + ".npy", "w", force_zip64=True) as f:
                np.lib.format.write_array(f, array, version=version)
    back = np.load(name)
    assert all((back[k] == a).all() for k, (a, _) in arrays.items())
np.save("records.npy", np.zeros(2, [("a", "i4"), ("b", "f4")]))
np.save("objects.npy", np.array([None, 1], object), allow_pickle=True)
np.save("text.npy", np.array(["abc"]))


# 3. PNG: every colour type, plain and interlaced (Pillow writes neither 16-bit colour nor interlacing).
def png(rows, depth, kind, palette=None, interlaced=False):
    """rows: [H, W, C] samples."""
    height, width, channels = rows.shape

    def packed(part):
        out = b""
        for line in part:
            flat = line.reshape(-1)
            if depth == 16:
                data = flat.astype(">u2").tobytes()
            elif depth == 8:
                data = flat.astype("u1").tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in flat)
                bits += "0" * (-len(bits) % 8)
                data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
            out += b"\0" + data
        return out

    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        parts = [rows[y::dy, x::dx] for x, y, dx, dy in passes]
        data = b"".join(packed(p) for p in parts if p.size)
    else:
        data = packed(rows)

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))
    if palette is not None:
        out += chunk(b"PLTE", bytes(v for color in palette for v in color))
    return out + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


# Sample of channel c at (x, y): (7 x + 13 y + 50 c) mod 2^depth, times 257 for 16 bits.
W, H = 11, 9
y, x = np.mgrid[0:H, 0:W]


def samples(channels, depth):
    v = np.stack([7 * x + 13 * y + 50 * c for c in range(channels)], -1) % (1 << min(depth, 8))
    return v * 257 if depth == 16 else v


for name, channels, kind in (("grey", 1, 0), ("greyalpha", 2, 4), ("rgb", 3, 2), ("rgba", 4, 6)):
    for depth in (8, 16):
        for interlaced in (False, True):
            data = png(samples(channels, depth), depth, kind, interlaced=interlaced)
            open(f"{name}{depth}{'i' if interlaced else ''}.png", "wb").write(data)
            seen = np.asarray(Image.open(io.BytesIO(data)))
            assert seen.shape[:2] == (H, W)
            if depth == 8:
                assert (seen.reshape(H, W, channels) == samples(channels, 8)).all(), name
for depth in (1, 2, 4):
    data = png(samples(1, depth), depth, 0)
    open(f"grey{depth}.png", "wb").write(data)
    # Color i of the palette: (10 i, 20 i mod 256, 255 - i).
    count = 1 << depth
    palette = [(10 * i % 256, 20 * i % 256, 255 - i) for i in range(count)]
    data = png(samples(1, depth), depth, 3, palette, interlaced=depth == 4)
    open(f"palette{depth}.png", "wb").write(data)
    rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert (rgb == np.array(palette)[samples(1, depth)[..., 0]]).all()

# 4. JPEG: a smooth picture, 40 x 24, its pixels as Pillow decodes them, and Lanczos to 15 x 10.
yy, xx = np.mgrid[0:24, 0:40]
smooth = np.stack([6 * xx, 10 * yy, 128 + 60 * np.sin(xx / 9 + yy / 7)], -1).astype("u1")
picture = Image.fromarray(smooth)
picture.save("smooth.jpg", quality=90)
np.save("smooth.npy", np.asarray(Image.open("smooth.jpg")))
picture.convert("L").save("grey.jpg", quality=95)
np.save("grey.npy", np.asarray(Image.open("grey.jpg")))
exif = Image.Exif()
exif[0x0112] = 6  # turn right by 90 degrees
picture.save("turned.jpg", quality=90, exif=exif)
picture.convert("CMYK").save("cmyk.jpg", quality=95)
np.save("lanczos.npy", np.asarray(picture.resize((15, 10), Image.LANCZOS)))
picture.save("smooth.png")
