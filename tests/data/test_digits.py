"""The digits are scikit-learn's, split once and for all, and TFDS reads back the same."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from kerasgan.data import load
from kerasgan.data.builders import Digits, tfds_builder


def test_the_splits_partition_the_source():
    source = load_digits()
    digits = Digits()
    arrays = {split: digits.arrays(split) for split in digits.splits()}
    assert {split: len(parts["label"]) for split, parts in arrays.items()} == digits.splits()

    def rows(images, labels):
        return sorted(map(tuple, np.column_stack([images.reshape(-1, 64), labels]).astype(int)))

    both = digits.arrays("train+test")
    assert rows(both["image"], both["label"]) == rows(source.images, source.target)
    for name in digits.features:
        np.testing.assert_array_equal(both[name], np.concatenate([arrays["train"][name], arrays["test"][name]]))


def test_the_splits_are_stratified_and_fixed():
    train, test = Digits().arrays("train"), Digits().arrays("test")
    counts = [np.bincount(part["label"], minlength=10) for part in (train, test)]
    assert np.abs(counts[0] - counts[1]).max() <= 1
    # Results of different versions can be compared only as long as these stay.
    assert train["label"][:12].tolist() == [1, 3, 4, 5, 6, 7, 9, 1, 2, 5, 6, 7]
    assert int(train["image"].sum()) == 280201


def test_a_pixel_is_exactly_its_level_over_eight_minus_one():
    levels = Digits().arrays("test")["image"]
    assert levels.dtype == np.uint8 and levels.min() == 0 and levels.max() == 16
    x, _ = load("digits", split="test", as_numpy=True)
    np.testing.assert_array_equal(x, levels / 8.0 - 1.0)


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match=r"\['validation'\].*'train' or 'test'"):
        Digits().arrays("train+validation")


@pytest.mark.tensorflow
def test_tfds_reads_back_the_same_examples(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    digits = Digits()
    builder = tfds_builder(digits, data_dir=tmp_path)
    builder.download_and_prepare()
    assert builder.info.full_name == "digits/1.0.0"
    assert builder.info.features["label"].names == list("0123456789")
    assert "CC BY 4.0" in str(builder.info.as_proto.redistribution_info)
    for split, count in digits.splits().items():
        assert builder.info.splits[split].num_examples == count
        examples = list(tfds.as_numpy(builder.as_dataset(split=split, as_supervised=True)))
        stored = [(int(label), image.tobytes()) for image, label in examples]
        arrays = digits.arrays(split)
        pairs = zip(arrays["label"], arrays["image"], strict=True)
        assert sorted(stored) == sorted((int(label), image.tobytes()) for label, image in pairs)
    tfds_builder(digits, data_dir=tmp_path)  # A second builder of the same name is no collision.
