"""A memory of generated images for discriminators (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, sec. 4)."""

import keras
from keras import ops

from kerasgan.game.engines import gather, replica


@keras.saving.register_keras_serializable(package="kerasgan")
class ImagePool(keras.layers.Layer):
    """Hands out generated images, half of them from earlier steps.

    Each place of the batch has a memory of its own, `size / batch_size` images long (at least 1), so that the pool of a
    batch of one is the papers'. Until a memory is full it stores what comes and hands it out. Then it hands out what
    comes with probability 1/2, else a random one of its images, which the new one replaces. The memory is per sample
    and so stays within a replica; each replica holds a copy of all, so that any of them can save it.

    It is state of the game: a `Phase` whose loss calls it names its attribute in `keeps`.

    All batches have one size: drop what is left over at the end of an epoch (`drop_remainder` of a `tf.data` set).

    Args:
        image_shape: (height, width, channels), or any shape of one sample.
        size: images in the whole pool; 0 hands out what comes.
        batch_size: samples a step, over all replicas.
        seed: of its random choices.
        **kwargs: as for `keras.layers.Layer`.
    """

    def __init__(self, image_shape, size=50, batch_size=1, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.size, self.batch_size, self.seed = tuple(image_shape), size, batch_size, seed
        self.random = keras.random.SeedGenerator(seed)
        self.length = max(1, size // batch_size) if size else 0
        if self.length:
            self.images = self.add_weight(
                shape=(batch_size, self.length, *self.image_shape), initializer="zeros", trainable=False, name="images"
            )
            self.stored = self.add_weight(
                shape=(batch_size,), initializer="zeros", trainable=False, dtype="int32", name="stored"
            )
        self.built = True

    def call(self, images):
        """Images of shape (batch, *image_shape), here or from earlier steps; gradients do not pass."""
        images = ops.stop_gradient(images)
        if not self.length:
            return images
        index, replicas = replica()
        if images.shape[0] not in (None, self.batch_size // replicas):
            raise ValueError(
                f"A batch of {images.shape[0] * replicas} came to an ImagePool of batch_size {self.batch_size}. "
                "Its batch size must be that of the training: of a model, compile(batch_size=...)."
            )
        # Where the size is not known before: a smaller batch, the last of an epoch, fails here.
        images = ops.reshape(images, (self.batch_size // replicas, *self.image_shape))
        rows = index * ops.shape(images)[0] + ops.arange(ops.shape(images)[0], dtype="int32")
        memory, stored = (ops.take(ops.convert_to_tensor(v), rows, axis=0) for v in (self.images, self.stored))
        full = stored >= self.length
        chosen = keras.random.randint(ops.shape(rows), 0, self.length, seed=self.random)
        swap = ops.logical_and(full, keras.random.uniform(ops.shape(rows), seed=self.random) < 0.5)
        place = ops.one_hot(ops.where(full, chosen, stored), self.length, dtype="int32") > 0
        old = ops.sum(ops.where(self._as_images(place, 1), memory, 0.0), axis=1)
        write = ops.logical_and(place, ops.logical_or(swap, ops.logical_not(full))[:, None])
        everything = gather([ops.cast(images, memory.dtype), ops.cast(write, "int32")])
        self._remember(everything[0], everything[1] > 0)
        return ops.where(self._as_images(swap, 0), ops.cast(old, images.dtype), images)

    def _remember(self, images, write):
        """Stores the images of all replicas where `write`, of shape (batch, length), says so."""
        self.images.assign(ops.where(self._as_images(write, 1), images[:, None], ops.convert_to_tensor(self.images)))
        self.stored.assign(ops.minimum(ops.convert_to_tensor(self.stored) + 1, self.length))

    def _as_images(self, mask, axes):
        return ops.reshape(mask, (-1, *[self.length] * axes, *[1] * len(self.image_shape)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = ("image_shape", "size", "batch_size", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
