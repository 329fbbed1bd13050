"""Ways to condition a network on a class label."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="kerasgan")
class OneHot(layers.Layer):
    """Converts integer labels of shape (batch,) to one-hot vectors of shape (batch, num_classes)."""

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(ops.cast(labels, "int32"), self.num_classes, dtype=self.compute_dtype)

    def compute_output_spec(self, labels):
        return keras.KerasTensor((*labels.shape, self.num_classes), dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def label_vector(labels, num_classes, embedding=None, initializer="uniform"):
    """Returns a vector per label, one-hot or learned.

    Args:
        labels: Integer labels of shape (batch,), or of a pack (batch, packing). The vectors of a pack are concatenated.
        num_classes: Number of classes.
        embedding: Size of the learned vectors. None uses one-hot vectors.
        initializer: Initializer of the learned vectors.

    Returns:
        A tensor of shape (batch, num_classes or embedding).
    """
    if embedding is None:
        vectors = OneHot(num_classes, name="label_one_hot")(labels)
    else:
        vectors = layers.Embedding(num_classes, embedding, initializer, name="label_embedding")(labels)
    return vectors if len(labels.shape) == 1 else layers.Flatten(name="label_vectors")(vectors)


def with_labels(x, labels, num_classes, embedding=None, initializer="uniform"):
    """Concatenates vectors and label vectors, if there are labels.

    Args:
        x: Tensor of shape (batch, width).
        labels: List with the symbolic labels, or an empty list, as returned by a model's `condition_inputs`.
        num_classes: Number of classes; see `label_vector`.
        embedding: Size of learned label vectors; see `label_vector`.
        initializer: Initializer of learned label vectors; see `label_vector`.

    Returns:
        `x`, or a tensor of shape (batch, width + size of the label vectors).
    """
    if not labels:
        return x
    return layers.Concatenate()([x, label_vector(labels[0], num_classes, embedding, initializer)])


def label_plane(labels, num_classes, height, width):
    """Returns a learned one-channel image per label, to concatenate with an image.

    Args:
        labels: Integer labels of shape (batch,), or of a pack (batch, packing).
        num_classes: Number of classes.
        height: Height of the images.
        width: Width of the images.

    Returns:
        A tensor of shape (batch, height, width, labels per sample).
    """
    plane = layers.Embedding(num_classes, height * width, name="label_plane")(labels)
    if len(labels.shape) > 1:
        plane = layers.Permute((2, 1), name="label_planes")(plane)
    return layers.Reshape((height, width, plane.shape[-1] if len(plane.shape) > 2 else 1), name="label_image")(plane)


def text_plane(vectors, height, width):
    """Repeats vectors of shape (batch, size) at each position of a map (batch, height, width, size)."""
    return layers.UpSampling2D((height, width))(layers.Reshape((1, 1, vectors.shape[-1]))(vectors))


def label_projection(logits, features, labels, num_classes):
    """Adds the inner product of a class embedding and the features to the logits (Miyato & Koyama 2018, eq. 4).

    Args:
        logits: Tensor of shape (batch, 1), the part of the logits that does not depend on the class.
        features: Tensor of shape (batch, width).
        labels: Integers of shape (batch,), or of packs (batch, packing). The embeddings of a pack are summed.
        num_classes: Number of classes.

    Returns:
        A tensor of shape (batch, 1).
    """
    embedded = layers.Embedding(num_classes, features.shape[-1], name="label_projection")(labels)
    if len(labels.shape) > 1:
        embedded = ops.sum(embedded, axis=1)
    return layers.Add(name="label_logits")([logits, layers.Dot(axes=1, name="label_agreement")([embedded, features])])
