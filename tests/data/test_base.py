"""What every data set builds on: options, reproducible examples, workers, TFDS."""

import numpy as np
import pytest

from kerasgan.data import workers
from kerasgan.data.builders import Image, Tensor, tfds_builder
from tests.data.toy import Toy


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_configs_and_options():
    assert Toy().full_name == "toy/plain" and Toy("other").full_name == "toy/other"
    with pytest.raises(ValueError, match="no config 'third'; expected 'plain' or 'other'"):
        Toy("third")
    with pytest.raises(ValueError, match="has no option cuont; expected count, die_at"):
        Toy(cuont=3)
    for count in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match="expected a positive integer"):
            Toy(count=count)


def test_count_gives_the_first_examples():
    few, all_of_them = Toy(count=10), Toy()
    assert few.splits() == {"train": 10, "test": 7}
    assert_same(few.arrays("train"), {name: column[:10] for name, column in all_of_them.arrays("train").items()})


def test_examples_depend_on_config_split_and_index():
    images = [
        Toy(config).arrays(split)["image"][index].tobytes()
        for config in Toy.configs
        for split in ("train", "test")
        for index in range(7)
    ]
    assert len(set(images)) == len(images)


def test_random_numbers_stay_the_same_between_releases():
    # Prepared data would no longer be those of their version.
    np.testing.assert_array_equal(Toy().random("train", 3).integers(1000, size=4), [15, 404, 446, 556])


def test_arrays_are_the_generated_examples():
    toy = Toy()
    arrays = toy.arrays("train+test")
    examples = [example for split in toy.splits() for example in toy.generate(split)]
    assert len(examples) == 47 == len(arrays["label"])
    for example, index in ((examples[0], 0), (examples[46], 46)):
        assert_same({name: np.asarray(value) for name, value in example.items()}, toy_row(arrays, index))
    assert arrays["text"].dtype.kind == "U" and "Grüße\nGrüße\n" in arrays["text"].tolist()


def toy_row(arrays, index):
    return {name: column[index] for name, column in arrays.items()}


@pytest.mark.parametrize("processes", [2, 3])
def test_any_number_of_workers_gives_the_same(processes):
    assert_same(Toy().arrays("train", workers=processes), Toy().arrays("train"))


def test_some_are_from_all_over_the_split():
    arrays, some = Toy().arrays("train"), Toy().some("train", 3)
    assert_same(some, {name: column[[0, 20, 39]] for name, column in arrays.items()})
    assert len(Toy().some("test", 100)["label"]) == 7


def test_an_error_in_a_worker_comes_through():
    for processes in (1, 2):
        with pytest.raises(ZeroDivisionError, match="example 30"):
            Toy(fail_at=30).arrays("train", workers=processes)


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(RuntimeError, match=r"exit code 3\) while it generated the examples 20 to 29 of 'train'"):
        Toy(die_at=25).arrays("train", workers=2)


def test_workers_end_with_the_reader(monkeypatch):
    started = []
    monkeypatch.setattr(workers.subprocess, "Popen", recording(workers.subprocess.Popen, started))
    examples = Toy().generate("train", workers=2)
    next(examples)
    assert [process.poll() for process in started] == [None, None]
    examples.close()
    assert None not in [process.poll() for process in started]


def recording(function, results):
    def record(*args, **kwargs):
        results.append(function(*args, **kwargs))
        return results[-1]

    return record


def test_sums_do_not_depend_on_the_threads_of_blas():
    from threadpoolctl import threadpool_info

    class Asking(Toy):
        features = {"threads": Tensor((), "int64")}

        def example(self, rng, split, index):
            return {"threads": max(pool["num_threads"] for pool in threadpool_info())}

    assert set(Asking(count=3).arrays("train")["threads"]) == {1}


def test_examples_have_to_be_as_the_features_say():
    class Wrong(Toy):
        features = {"image": Image((4, 4, 3))}

    with pytest.raises(
        ValueError, match=r"'toy/plain' generated 'image' of shape \(4, 6, 3\) and dtype uint8; expected \(4, 4"
    ):
        Wrong().arrays("train")
    Wrong.features = {"size": Tensor((), "float64")}
    with pytest.raises(ValueError, match=r"dtype float32; expected .* and float64"):
        Wrong().arrays("train")


def test_what_is_missing_is_said_at_once():
    toy = Toy(requires="Install the package fonts-toy.")
    for use in (toy.generate, toy.arrays, lambda split: toy.some(split, 3)):
        with pytest.raises(FileNotFoundError, match="fonts-toy"):
            use("train")


def test_default_sheet():
    picture = Toy().sheet(Toy().some("train", 64))
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


@pytest.mark.tensorflow
def test_tfds_keeps_every_feature_and_config(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    toy = Toy("other", facts=["of", "this", "machine"])
    builder = tfds_builder(toy, data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.info.full_name == "toy/other/1.2.3"
    assert builder.info.metadata == {"facts": ["of", "this", "machine"]}
    assert builder.info.features["size"].doc.desc == "size in pixels"
    stored = {example["image"].tobytes(): example for example in tfds.as_numpy(builder.as_dataset(split="train"))}
    assert len(stored) == 40
    for example in toy.generate("train"):
        read = stored[example["image"].tobytes()]
        assert read.pop("text").decode() == example.pop("text")
        assert_same({name: np.asarray(read[name]) for name in example}, example)
    tfds_builder(Toy(), data_dir=tmp_path)


@pytest.mark.tensorflow
def test_tfds_pairs_image_and_label_only_where_there_are_both(tmp_path):
    pytest.importorskip("tensorflow_datasets")

    class Without(Toy):
        features = {"image": Image((4, 6, 3))}

    assert tfds_builder(Toy(), tmp_path).info.supervised_keys == ("image", "label")
    assert tfds_builder(Without(), tmp_path).info.supervised_keys is None
