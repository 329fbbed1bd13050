"""What was loaded: which source a name means, pairs side by side, mirrored images, names of classes for the record."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from kerasgan.data import check_class_names, class_numbers, describe, load, source
from kerasgan.data.degradation import WhiteNoise
from kerasgan.data.load import resolve

RANDOM = np.random.default_rng(0).integers(0, 256, (4, 8, 16, 3), dtype="uint8")


@pytest.fixture
def folder(tmp_path):
    """Four pictures of two classes."""
    for number, image in enumerate(RANDOM):
        path = tmp_path / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    return tmp_path


@pytest.fixture
def sheets(tmp_path):
    """Pictures that hold two, as pix2pix' data have them."""
    for number, image in enumerate(RANDOM):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    return tmp_path


def test_a_folder_named_like_a_data_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits" / "mine").mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve("digits") == ("own", ("digits", None))  # there are no pictures in the folder
    Image.fromarray(RANDOM[0]).save(tmp_path / "digits" / "mine" / "1.png")
    with pytest.warns(UserWarning, match=r"'digits' names both a dataset .*Pass ../digits"):
        assert load("digits", labels=False, as_numpy=True).shape == (898, 8, 8, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load("./digits", labels=False, as_numpy=True).shape == (1, 8, 16, 3)
        assert load("digits/mine", as_numpy=True).shape == (1, 8, 16, 3)  # there is no such config
        assert load(tmp_path / "digits", labels=False, as_numpy=True).shape == (1, 8, 16, 3)


def test_pictures_side_by_side_are_pairs(sheets, caplog):
    x, y = load(sheets, as_pairs=True, as_numpy=True)
    assert "twice as wide as high" in caplog.text and "halves='BtoA'" in caplog.text
    levels = RANDOM / 127.5 - 1
    np.testing.assert_allclose(x, levels[:, :, :8], atol=1e-6)
    np.testing.assert_allclose(y, levels[:, :, 8:], atol=1e-6)
    caplog.clear()
    other_y, other_x = load(sheets, as_pairs=True, as_numpy=True, halves="BtoA")
    np.testing.assert_array_equal(other_x, x)
    np.testing.assert_array_equal(other_y, y)
    assert not caplog.text


def test_both_sides_are_cropped_alike(sheets):
    wide = np.tile(np.arange(100, dtype="uint8"), (20, 2))  # both halves are the same ramp
    for path in sheets.iterdir():
        Image.fromarray(wide).save(path)
    x, y = load(sheets, as_pairs=True, as_numpy=True, halves="AtoB", image_size=20, crop="random")
    np.testing.assert_array_equal(x, y)
    assert len(np.unique(x[:, 0, 0, 0])) > 1


def test_halves_need_an_even_width(sheets):
    Image.new("RGB", (15, 8)).save(sheets / "odd.png")
    with pytest.raises(ValueError, match=r"odd.png is 15 pixels wide; expected an even width"):
        load(sheets, as_pairs=True, as_numpy=True, halves="AtoB")


def test_a_folder_without_pairs_says_how_pairs_come(folder):
    Image.new("RGB", (8, 8)).save(folder / "cat" / "square.png")
    with pytest.raises(ValueError, match=r"has no pairs .*halves='AtoB'"):
        load(folder, as_pairs=True, image_size=8)


def test_two_folders_of_pairs_go_by_name(tmp_path, caplog):
    for part in ("A", "B"):
        (tmp_path / part).mkdir()
        for name in "12":
            Image.new("L", (4, 4), int(name)).save(tmp_path / part / f"{name}.png")
    x, y = load(tmp_path, ("A", "B"), as_pairs=True, as_numpy=True)
    np.testing.assert_array_equal(x, y)
    assert not caplog.text
    (tmp_path / "B" / "2.png").rename(tmp_path / "B" / "3.png")
    load(tmp_path, ("A", "B"), as_pairs=True, as_numpy=True)
    assert "2.png with 3.png" in caplog.text
    (tmp_path / "B" / "3.png").unlink()
    with pytest.raises(ValueError, match="without a partner, such as 2"):
        load(tmp_path, ("A", "B"), as_pairs=True, as_numpy=True)


def test_flip_gives_each_image_mirrored_too(folder):
    x, y = load(folder, as_numpy=True)
    both, labels = load(folder, as_numpy=True, flip=True)
    np.testing.assert_array_equal(both, np.concatenate([x, x[:, :, ::-1]]))
    np.testing.assert_array_equal(labels, np.concatenate([y, y]))
    batches = source(folder, flip=True).batches(8, shuffle_seed=None)
    images, numbers = batches.take(batches.order()[0])
    np.testing.assert_array_equal(images, both)
    np.testing.assert_array_equal(numbers, labels)
    texts = load("digits", flip=True, features=("label",), as_numpy=True)[1]["label"]
    assert len(texts) == 2 * 898


def test_pairs_are_made_by_a_degradation(folder):
    """The original is what is loaded without it, and each image is degraded alike in arrays and in batches."""
    plain = load(folder, labels=False, as_numpy=True)
    x, y = load(folder, as_pairs=True, as_numpy=True, degrade="grey")
    np.testing.assert_array_equal(y, plain)
    np.testing.assert_allclose(x[..., 0], plain @ [0.299, 0.587, 0.114], atol=1e-6)
    options = {"as_pairs": True, "degrade": "noise:40", "flip": True}
    x, y = load(folder, as_numpy=True, **options)
    np.testing.assert_array_equal(y, np.concatenate([plain, plain[:, :, ::-1]]))
    noise = x - y
    assert 0.05 < noise.std() < 0.4 and all((noise[i] != noise[j]).mean() > 0.9 for i in range(8) for j in range(i))
    found = source(folder, **options)
    batches = found.batches(4, shuffle_seed=5)
    for row in batches.order():
        for one, other in zip(batches.take(row), (x[row], y[row]), strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(found.chosen([6, 1]).arrays(), (x[[6, 1]], y[[6, 1]]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_degraded_domain_has_its_own_order(folder):
    x, y = load(folder, as_pairs=True, as_numpy=True, degrade="blur")
    found = source(folder, as_pairs="unpaired", degrade="blur")
    batches = found.batches(4, shuffle_seed=0)
    order = batches.order()[0]
    assert (order[:, 0] != order[:, 1]).any()
    for one, other in zip(batches.take(order), (x[order[:, 0]], y[order[:, 1]]), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("degrade", ["mask:0.3", WhiteNoise(10.0)])
def test_the_record_of_a_degradation_reads_the_same_pairs(folder, degrade):
    entries = json.loads(json.dumps(describe(folder, as_pairs=True, image_size=8, degrade=degrade).entries()))
    found = load(folder, as_pairs=True, as_numpy=True, image_size=8, degrade=degrade)
    again = load(entries["name"], entries["split"], as_pairs=True, as_numpy=True, **entries["options"])
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("more", [{}, {"split": ("cat", "dog"), "as_pairs": True}])
def test_a_degradation_makes_pairs_of_one_split(folder, more):
    with pytest.raises(ValueError, match=r"degrade='grey' makes pairs .*expected as_pairs=True"):
        load(folder, degrade="grey", **more)


def test_description_is_the_record_of_what_was_loaded(folder):
    (folder / "cat" / "sketch.svg").write_text("")
    (folder / "cat" / "broken.png").write_bytes(b"")
    options = {"image_size": 4, "crop": "none", "on_error": "skip", "background": (0, 0, 0), "flip": True}
    about = describe(folder, **options)
    entries = json.loads(json.dumps(about.entries()))
    names = ["cat", "dog"]
    assert entries == {
        **{"name": str(folder), "split": "train", "images": 8, "class_names": names, "flip": True},
        "options": {
            **{"image_size": 4, "crop": "none", "on_error": "skip", "background": [0, 0, 0], "class_names": names}
        },
        **{"skipped": 1, "left_out": 1},
    }
    again = load(entries["name"], entries["split"], as_numpy=True, **entries["options"], flip=entries["flip"])
    for one, other in zip(again, load(folder, as_numpy=True, **options), strict=True):
        np.testing.assert_array_equal(one, other)


def test_class_names_come_with_the_data(folder):
    assert describe(folder).class_names == ("cat", "dog")
    assert describe(folder, labels=False).class_names == ()
    assert describe("digits").class_names == tuple(map(str, range(10)))
    assert describe(RANDOM, "train", 8).entries() == {
        **{"name": "arrays", "split": "train", "images": 4, "class_names": [], "options": {"image_size": 8}}
    }
    assert describe(load(folder, batch_size=2)).class_names == ("cat", "dog")


def test_a_class_folder_that_is_missing_moves_no_labels(folder):
    """The test pictures may lack a class."""
    names = describe(folder).class_names
    for path in (folder / "cat").iterdir():
        path.unlink()
    assert load(folder, as_numpy=True)[1].tolist() == [0, 0]
    assert load(folder, as_numpy=True, class_names=names)[1].tolist() == [1, 1]


def test_names_that_changed_are_refused():
    check_class_names(("cat", "dog"), ["cat", "dog"])
    check_class_names((), ("cat", "dog"))  # unknown ones cannot be checked
    with pytest.raises(ValueError, match=r"expected cat, dog, owl as in the training.*0 was 'cat' and is 'dog'"):
        check_class_names(("dog", "owl", "tabby"), ("cat", "dog", "owl"), "photos")
    with pytest.raises(ValueError, match="there were 1 classes and are 2"):
        check_class_names(("cat", "dog"), ("cat",))


def test_classes_by_name_or_number():
    names = ("cat", "dog", "7")
    assert class_numbers("cat,dog", names) == [0, 1]
    assert class_numbers("7, 0", names) == [2, 0]
    assert class_numbers([1, "cat"], names) == [1, 0]
    assert class_numbers("0,3", num_classes=4) == [0, 3]
    for labels, given, message in (
        ("cow", {"class_names": names}, "has 'cow'; expected cat, dog, 7, or numbers from 0 to 2"),
        ("4", {"num_classes": 4}, "numbers from 0 to 3"),
        ("-1", {}, "numbers from 0 ..."),
        ([None], {}, "has None"),
    ):
        with pytest.raises(ValueError, match=message):
            class_numbers(labels, **given)


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True, "2", 5])
def test_batch_sizes_are_integers_that_fit(folder, batch_size):
    with pytest.raises(ValueError, match=r"batch_size is .*; expected (an integer from )?1 to 4"):
        load(folder, batch_size=batch_size)


def test_alpha_comes_along(tmp_path):
    random = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 4), dtype="uint8")
    for number, image in enumerate(random):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    x = load(tmp_path, channels=4, as_numpy=True)
    np.testing.assert_allclose(x, random / 127.5 - 1, atol=1e-6)
    assert load(tmp_path, channels=2, as_numpy=True).shape == (3, 8, 8, 2)
