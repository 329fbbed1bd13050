"""PNG files written row by row, read by Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from kerasgan.data.picture import Reader
from kerasgan.pictures.png import PNGWriter


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_levels_come_back(channels, bits, tmp_path):
    levels = np.random.default_rng(0).integers(0, 2**bits, (11, 7, channels)).astype(f"uint{bits}")
    path = tmp_path / "picture.png"
    with open(path, "wb") as file:
        writer = PNGWriter(file, 7, 11, channels, bits)
        for part in (levels[:4], levels[4:4], levels[4:5], levels[5:]):
            writer.write(part)
        writer.close()
    with Image.open(path) as picture:
        picture.verify()  # checksums
    options = {"size": None, "crop": "none", "fit": "pad", "background": (0, 0, 0), "seed": 0, "channels": channels}
    value_range = None if bits == 8 else (0.0, 65535.0)
    found, reason = Reader(tmp_path, value_range=value_range, **options)(path)
    assert reason is None
    np.testing.assert_allclose(found, levels, atol=0.01)


def test_wrong_rows_are_refused():
    writer = PNGWriter(io.BytesIO(), 4, 2, 3)
    with pytest.raises(ValueError, match="`rows` has shape"):
        writer.write(np.zeros((1, 4, 1), "uint8"))
    with pytest.raises(ValueError, match="`rows` has shape"):
        writer.write(np.zeros((1, 4, 3), "uint16"))
    with pytest.raises(ValueError, match="2 rows are missing"):
        writer.close()
    with pytest.raises(ValueError, match="`channels` is 5"):
        PNGWriter(io.BytesIO(), 4, 2, 5)
