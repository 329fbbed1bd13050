"""Strips of pictures with their captions."""

import numpy as np
import pytest

from kerasgan.pictures.strip import MARGIN, strip


def test_a_strip_has_a_panel_and_a_text_for_each_caption():
    images = np.stack([np.full((8, 8, 3), level, "float32") for level in (-1.0, 0.0, 1.0)])
    page = strip(images, ["one", "two words", "é \u4e00"])
    side = 24 * 8
    assert page.dtype == "uint8" and page.shape[1] == 3 * (side + MARGIN) + MARGIN
    for place, level in enumerate((0, 128, 255)):
        left = MARGIN + place * (side + MARGIN)
        assert (page[MARGIN : MARGIN + side, left : left + side] == level).all()
        assert (page[MARGIN + side + 2 :, left : left + side] < 128).any()  # the text
    below = strip(images, ["one", "two", "three"], columns=1)
    assert below.shape[0] > 3 * side and below.shape[1] == side + 2 * MARGIN
    long = strip(images[:1], ["many words " * 20])
    assert long.shape[0] > page.shape[0]
    grey = strip(images[..., :1], ["", "", ""])
    assert grey.shape[-1] == 3


def test_a_strip_needs_a_caption_for_each_image():
    with pytest.raises(ValueError, match="1 captions"):
        strip(np.zeros((2, 8, 8, 3)), ["one"])
