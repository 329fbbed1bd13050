"""What `fit` says of data that are no batches, are empty, or go wrong in a later batch."""

import keras
import numpy as np
import pytest

import kerasgan
from kerasgan.data import load
from kerasgan.game.batches import BatchWatch

IMAGES = np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 1)).astype("float32")
LABELS = (np.arange(40) % 4).astype("int32")


class Batches(keras.utils.PyDataset):
    def __init__(self, *parts, batches=5):
        super().__init__()
        self.parts, self.batches = parts, batches

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        batch = tuple(part[8 * index : 8 * index + 8] for part in self.parts)
        return batch if len(batch) > 1 else batch[0]


def game(num_classes=None):
    model = kerasgan.DCGAN(image_shape=(8, 8, 1), latent_dim=8, num_classes=num_classes, width=8, seed=0)
    model.compile(batch_size=8)
    return model


@pytest.fixture(scope="module")
def conditional():
    return game(4)


@pytest.fixture(scope="module")
def unconditional():
    return game()


def spoilt(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES, spoilt(LABELS, 25, 4), r"y has values from 0 to 4 in batch 4 of epoch 1.*expected values from 0 to 3"),
        (IMAGES, spoilt(LABELS, 39, -1), r"y has values from -1 to 3 in batch 5 of epoch 1"),
        (spoilt(IMAGES, 17, 255), LABELS, r"x has values from -.* to 255 in batch 3 of epoch 1.*from -1 to 1"),
        (spoilt(IMAGES, (30, 0, 0), np.nan), LABELS, r"x has NaN or infinite values in batch 4 of epoch 1"),
        (spoilt(IMAGES, (30, 0, 0), np.inf), LABELS, r"x has NaN or infinite values in batch 4 of epoch 1"),
    ],
)
def test_a_later_batch_that_is_wrong_is_named(conditional, images, labels, message):
    with pytest.raises(ValueError, match=message):
        conditional.fit(Batches(images, labels), epochs=1, verbose=0)


def test_the_epoch_is_named_and_good_data_pass(unconditional):
    class Later(Batches):
        spoilt = False

        def __getitem__(self, index):
            return super().__getitem__(index) * (1000 if self.spoilt and index == 1 else 1)

    data = Later(IMAGES)
    spoil = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: setattr(data, "spoilt", epoch == 2))
    unconditional.fit(data, epochs=2, verbose=0, callbacks=[spoil])
    with pytest.raises(ValueError, match=r"in batch [12] of epoch 3"):
        unconditional.fit(data, epochs=4, initial_epoch=1, verbose=0, callbacks=[spoil])


def test_sample_weights_too(unconditional):
    weights = spoilt(np.ones(40, "float32"), 20, -1)
    data = Batches(IMAGES, np.zeros((40, 0), "float32"), weights)
    watch = BatchWatch(unconditional)
    watch.limits["y"] = None
    for index in range(2):
        watch(unconditional.as_batch(tuple(map(keras.ops.convert_to_tensor, data[index]))))
    watch(unconditional.as_batch(tuple(map(keras.ops.convert_to_tensor, data[2]))))
    with pytest.raises(ValueError, match=r"sample_weight has values from -1 to 1 in batch 3.*0 or more"):
        watch.read(0)


def test_a_resumed_epoch_counts_the_batches_behind_it(unconditional):
    with pytest.raises(ValueError, match=r"in batch 4 of epoch 1"):
        unconditional.fit(Batches(spoilt(IMAGES, 25, 9)), epochs=1, initial_step=2, verbose=0)


def test_data_sets_without_a_batch(unconditional):
    with pytest.raises(ValueError, match=r"x has no batch; expected a data set with at least one whole batch"):
        unconditional.fit(Batches(IMAGES, batches=0), verbose=0)


@pytest.mark.tensorflow
def test_tf_data_without_a_batch(unconditional):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(IMAGES)
    for empty in (
        data.batch(64, drop_remainder=True),
        data.filter(lambda image: False).batch(8),
        data.take(0).batch(8),
    ):
        with pytest.raises(ValueError, match=r"x has no batch.*drop_remainder=True drops them: choose a smaller"):
            unconditional.fit(empty, verbose=0)


@pytest.mark.tensorflow
def test_single_examples_are_told_to_be_batched(unconditional, conditional):
    """The advice was `x[None]`."""
    import tensorflow as tf

    with pytest.raises(ValueError, match=r"x gives single examples of shape .8, 8, 1.; expected batches.*x.batch"):
        unconditional.fit(tf.data.Dataset.from_tensor_slices(IMAGES), verbose=0)
    with pytest.raises(ValueError, match=r"single examples .*pass batch_size to kerasgan.data.load"):
        conditional.fit(load((IMAGES, LABELS)), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((IMAGES, LABELS),), r"x is a tuple of two .ndarray, ndarray.*call fit.x, y., as in fit..data."),
        (((IMAGES, LABELS, LABELS),), r"x is a tuple .*expected one array"),
        (([*IMAGES, IMAGES[0, 1:]],), r"x is a list of arrays of different shapes .*np.stack.x."),
    ],
)
def test_structures_for_x(conditional, arguments, message):
    with pytest.raises(ValueError, match=message):
        conditional.fit(*arguments, verbose=0)


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1])
def test_weights_that_are_none(unconditional, weight):
    with pytest.raises(ValueError, match=r"sample_weight has .* NaN, infinite or below 0"):
        unconditional.fit(IMAGES, sample_weight=spoilt(np.ones(40), 3, weight), verbose=0)


def test_weights_of_classes_without_classes(unconditional):
    with pytest.raises(ValueError, match=r"class_weight was given, but this model has no classes"):
        unconditional.fit(IMAGES, class_weight={0: 1.0}, verbose=0)
