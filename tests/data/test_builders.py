"""What holds for every data set that is registered."""

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image as Picture

from kerasgan.data import cache
from kerasgan.data.builders import DATASETS, ProceduralDataset, tfds_builder
from kerasgan.data.builders.features import Image
from tests.data import fake_packages

KINDS = [
    pytest.param(kind, config, id=f"{kind.name}-{config}")
    for kind in DATASETS.values()
    for config in kind.configs or (None,)
]
# Of variants one, where processes or TFDS make a test slow.
PROCEDURAL = [
    pytest.param(kind, next(iter(kind.configs), None), id=kind.name)
    for kind in DATASETS.values()
    if issubclass(kind, ProceduralDataset)
]


@pytest.fixture(scope="module")
def own_folders(tmp_path_factory):
    """Fonts, photos and packages of our own: to look through all those of a machine takes minutes."""
    photos = tmp_path_factory.mktemp("photos")
    for number in range(5):
        coarse = np.random.default_rng(number).integers(256, size=(40, 40, 3), dtype="uint8")
        Picture.fromarray(coarse.repeat(4, axis=0).repeat(4, axis=1)).save(photos / f"{number}.png")
    matplotlib = importlib.util.find_spec("matplotlib")
    places = (
        [] if matplotlib is None else [f"{place}/mpl-data/fonts" for place in matplotlib.submodule_search_locations]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERASGAN_PACKAGES", str(fake_packages.install(tmp_path_factory.mktemp("packages"))))
        yield {"glyphs": {"font_dirs": places}, "photo_patches": {"photo_dirs": photos}}


def made(kind, config, own_folders, **options):
    dataset = kind(config, **own_folders.get(kind.name, {}), **options)
    if dataset.requires():
        pytest.skip(dataset.requires())
    return dataset


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_says_what_it_is(kind, config, own_folders):
    dataset = made(kind, config, own_folders)
    assert dataset.name == kind.name and dataset.name in DATASETS
    assert dataset.version.count(".") == 2 and dataset.description and dataset.license and dataset.source
    assert dataset.sample in dataset.features and set(dataset.pair or ()) <= set(dataset.features)
    assert json.loads(json.dumps(dataset.metadata())) == dataset.metadata()
    if "label" in dataset.features:
        assert len(set(dataset.features["label"].names)) == len(dataset.features["label"].names)


LOAD_SCIKIT_LEARN = ("stacked_digits", "moving_digits")  # in each process: seconds


@pytest.mark.parametrize(
    ("kind", "config"),
    [pytest.param(*p.values, id=p.id, marks=[pytest.mark.slow] * (p.id in LOAD_SCIKIT_LEARN)) for p in PROCEDURAL],
)
def test_prepared_twice_it_is_the_same(kind, config, own_folders, root, monkeypatch):
    hashes = []
    for workers in (1, 2):
        monkeypatch.setenv("KERASGAN_DATA", str(root / str(workers)))
        folder = cache.prepare(made(kind, config, own_folders, count=3), workers)
        hashes.append(json.loads((folder / "info.json").read_text())["files"])
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(("kind", "config"), KINDS)
def test_examples_are_in_the_stated_range_and_make_a_sheet(kind, config, own_folders):
    dataset = made(kind, config, own_folders)
    arrays = dataset.some("train", 6)
    for name, feature in dataset.features.items():
        if isinstance(feature, Image):
            low, high = feature.value_range
            assert arrays[name].min() >= low and arrays[name].max() <= high
    picture = dataset.sheet(arrays)
    assert picture.dtype == np.uint8 and picture.shape[2:] == (3,) and np.ptp(picture) > 0


@pytest.mark.tensorflow
@pytest.mark.parametrize(("kind", "config"), PROCEDURAL)
def test_tfds_has_a_place_for_every_feature(kind, config, own_folders, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    dataset = made(kind, config, own_folders, count=1)
    builder = tfds_builder(dataset, tmp_path)
    builder.download_and_prepare()
    (stored,) = tfds.as_numpy(builder.as_dataset(split="train"))
    for name, value in next(dataset.generate("train")).items():
        read = stored[name].decode() if isinstance(stored[name], bytes) else stored[name]
        np.testing.assert_array_equal(read, value)
