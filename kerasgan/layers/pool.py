"""A pool of generated images for discriminators (Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4)."""

import keras
from keras import ops

from kerasgan.game.engines import gather, replica


@keras.saving.register_keras_serializable(package="kerasgan")
class ImagePool(keras.layers.Layer):
    """Returns generated images, half of them from earlier steps.

    With `exactly_half`, every second position of the batch returns a stored image, which its new image replaces, and
    the others return their new images, so that half of the batch is from the past (Shrivastava et al. 2017). The ages
    of the stored images have the paper's geometric distribution; in the paper, however, an image may be shown again.

    Otherwise each position of the batch has its own buffer of `size / batch_size` images (at least 1), so that a batch
    size of 1 gives the pool of the papers. Until a buffer is full, it stores and returns each new image. After that it
    returns the new image with probability 1/2, and otherwise a random stored image, which the new image replaces. Each
    replica uses the buffers of its own samples and holds a copy of all buffers, so that any replica can save them.

    The pool is part of the state of the game: a `Phase` whose loss calls it must list the name of its attribute in
    `keeps`.

    All batches must have the same size: drop the incomplete last batch of an epoch (`drop_remainder` of a `tf.data`
    dataset).

    Args:
        image_shape: Shape (height, width, channels), or any shape of one sample.
        size: Total number of images in the pool. 0 returns all images unchanged.
        batch_size: Global batch size over all replicas. With `exactly_half`, each replica's share must be even.
        seed: Random seed.
        exactly_half: Whether exactly half of each batch is from earlier steps, rather than each image with probability
            1/2.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If half of the batch size is not an integer.
    """

    def __init__(self, image_shape, size=50, batch_size=1, seed=None, exactly_half=False, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.size, self.batch_size, self.seed = tuple(image_shape), size, batch_size, seed
        self.exactly_half = exactly_half
        if exactly_half and size and batch_size % 2:
            raise ValueError(f"`batch_size` is {batch_size}; expected an even number.")
        self.random = keras.random.SeedGenerator(seed)
        places = batch_size // 2 if exactly_half else batch_size
        self.length = max(1, size // places) if size else 0
        if self.length:
            self.images = self.add_weight(
                shape=(places, self.length, *self.image_shape), initializer="zeros", trainable=False, name="images"
            )
            self.stored = self.add_weight(
                shape=(places,), initializer="zeros", trainable=False, dtype="int32", name="stored"
            )
        self.built = True

    def call(self, images):
        """Returns current and stored images of shape (batch, *image_shape), without gradients."""
        images = ops.stop_gradient(images)
        if not self.length:
            return images
        index, replicas = replica()
        if images.shape[0] not in (None, self.batch_size // replicas):
            raise ValueError(
                f"`images` has a batch size of {images.shape[0] * replicas}; this ImagePool expects batch_size="
                f"{self.batch_size}. Pass the batch size of the training to the pool; a model takes it in "
                "compile(batch_size=...)."
            )
        # If the static batch size is unknown, a smaller last batch of an epoch fails here.
        images = ops.reshape(images, (self.batch_size // replicas, *self.image_shape))
        # Drawn for the whole batch; with exactly half, every second number is used.
        chosen = keras.random.randint(ops.shape(images)[:1], 0, self.length, seed=self.random)
        swap = keras.random.uniform(ops.shape(images)[:1], seed=self.random) < 0.5
        if not self.exactly_half:
            return self._exchanged(images, chosen, swap, index)
        old = self._exchanged(images[1::2], chosen[1::2], ops.ones_like(swap[1::2]), index)
        return ops.reshape(ops.stack([images[::2], old], axis=1), (-1, *self.image_shape))

    def _exchanged(self, images, chosen, swap, index):
        """Stored images at the positions `chosen` where `swap` is true and the memory is full, else the new ones."""
        rows = index * ops.shape(images)[0] + ops.arange(ops.shape(images)[0], dtype="int32")
        memory, stored = (ops.take(ops.convert_to_tensor(v), rows, axis=0) for v in (self.images, self.stored))
        full = stored >= self.length
        swap = ops.logical_and(full, swap)
        place = ops.one_hot(ops.where(full, chosen, stored), self.length, dtype="int32") > 0
        old = ops.sum(ops.where(self._as_images(place, 1), memory, 0.0), axis=1)
        write = ops.logical_and(place, ops.logical_or(swap, ops.logical_not(full))[:, None])
        everything = gather([ops.cast(images, memory.dtype), ops.cast(write, "int32")])
        self._remember(everything[0], everything[1] > 0)
        return ops.where(self._as_images(swap, 0), ops.cast(old, images.dtype), images)

    def _remember(self, images, write):
        """Stores the images of all replicas at the positions where `write`, of shape (batch, length), is true."""
        self.images.assign(ops.where(self._as_images(write, 1), images[:, None], ops.convert_to_tensor(self.images)))
        self.stored.assign(ops.minimum(ops.convert_to_tensor(self.stored) + 1, self.length))

    def _as_images(self, mask, axes):
        return ops.reshape(mask, (-1, *[self.length] * axes, *[1] * len(self.image_shape)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = ("image_shape", "size", "batch_size", "seed", "exactly_half")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
