"""Data sets by name, in memory, in an order that is a function of the seed and the epoch."""

import numpy as np

from kerasgan.data.builders import DATASETS
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.data.prepare import prepare


def load(
    name,
    split="train",
    image_size=None,
    labels=True,
    batch_size=None,
    shuffle_seed=0,
    as_numpy=False,
):
    """Loads a data set of images, ready for `fit`. It is held in memory.

    Args:
        name: `"digits"`, which needs no network, or any TFDS name that has been prepared on this
            machine and whose examples have an `image` (and, for `labels=True`, a `label`).
        split: `"train"`, `"test"` or `"train+test"`; for a TFDS name any split that TFDS
            understands.
        image_size: Size of the square images, resized as `kerasgan.data.prepare` does; None keeps
            the size. Digits are 8x8 and may have any multiple of 4 from 8 to 128.
        labels: Whether to give the labels too.
        batch_size: Examples in a batch, the incomplete last one is dropped; None gives single
            examples.
        shuffle_seed: Seed of the order of the examples; None keeps the order of the data. Epoch `e`
            has the order `epoch_order(count, shuffle_seed, e)`, and the epoch is the number of
            times that the returned data set has been iterated before (a look at its first batch
            counts, and Keras takes one before some fits).
        as_numpy: Whether to return arrays, in the order of the data, for
            `fit(x, y, batch_size=...)`. With `"digits"` this imports no TensorFlow.

    Returns:
        A `tf.data.Dataset` of `(x, y)`, or arrays `(x, y)` with `as_numpy=True`; `x` alone with
        `labels=False`. `x` is float32 in [-1, 1], of shape `(batch, height, width, channels)`; `y`
        is int32, of shape `(batch,)`.

    Raises:
        ValueError: Unknown name, split or size, a TFDS data set that is not prepared or has no such
            features, or a `batch_size` that does not fit.
    """
    if as_numpy and batch_size is not None:
        raise ValueError(
            f"batch_size={batch_size} was given with as_numpy=True, which returns whole arrays; "
            "pass batch_size to fit instead."
        )
    images_and_labels = _local_arrays if name in DATASETS else _tfds_arrays
    arrays = images_and_labels(name, split, image_size, labels)
    if as_numpy:
        return arrays if labels else arrays[0]
    return ArrayBatches(arrays if labels else arrays[0], batch_size, shuffle_seed).tf_dataset()


def _local_arrays(name, split, image_size, labels):
    dataset = DATASETS[name]()
    if image_size is not None and image_size not in dataset.image_sizes:
        sizes = dataset.image_sizes
        raise ValueError(
            f"image_size is {image_size!r}; expected a multiple of {sizes.step} from {sizes[0]} to "
            f"{sizes[-1]} for {name!r}."
        )
    arrays = dataset.arrays(split)
    images = prepare(arrays["image"], image_size, dataset.features["image"].value_range)
    return (images, arrays["label"].astype("int32")) if labels else (images,)


def _tfds_arrays(name, split, image_size, labels):
    own = ", ".join(map(repr, DATASETS))
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(
            f"{name!r} is no data set of kerasgan's own; expected one of {own}, or a TFDS name "
            "with tensorflow-datasets installed: pip install tensorflow-datasets."
        ) from error
    try:
        builder = tfds.builder(name)
    except ValueError as error:
        raise ValueError(
            f"{name!r} is no known data set; expected one of {own}, or a TFDS name such as 'mnist' "
            "(tfds.list_builders() lists them)."
        ) from error
    if not builder.is_prepared():
        raise ValueError(
            f"{name!r} is not prepared in {builder.data_dir}; expected its files there: run "
            f"tfds.builder({name!r}).download_and_prepare() once, with a network."
        )
    wanted = ("image", "label") if labels else ("image",)
    missing = [feature for feature in wanted if feature not in builder.info.features]
    if missing:
        raise ValueError(
            f"{name!r} has the features {', '.join(builder.info.features)}; expected "
            f"{' and '.join(wanted)}: pass labels=False if only the label is missing, or read it "
            "with tfds.load."
        )
    # One image at a time: their sizes may differ before the resize.
    images, classes = [], []
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        images.append(prepare(example["image"][None], image_size)[0])
        classes.append(example["label"] if labels else None)
    if len({image.shape for image in images}) > 1:
        raise ValueError(f"the images of {name!r} differ in size; expected one size: pass image_size.")
    return (np.stack(images), np.array(classes, "int32")) if labels else (np.stack(images),)
