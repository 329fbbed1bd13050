"""Ways to tell a network a class label."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="kerasgan")
class OneHot(layers.Layer):
    """Integer labels of shape (batch,) to one-hot vectors of shape (batch, num_classes)."""

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
    """A vector a label: one-hot, or learned of `embedding` entries. Shape (batch, num_classes or embedding).

    Learned ones start as `initializer` says. The labels of a pack, shape (batch, packing), give their vectors one after
    the other.
    """
    if embedding is None:
        vectors = OneHot(num_classes, name="label_one_hot")(labels)
    else:
        vectors = layers.Embedding(num_classes, embedding, initializer, name="label_embedding")(labels)
    return vectors if len(labels.shape) == 1 else layers.Flatten(name="label_vectors")(vectors)


def with_labels(x, labels, num_classes, embedding=None, initializer="uniform"):
    """Vectors, and beside them those of labels, where there are any.

    Args:
        x: shape (batch, width).
        labels: the symbolic labels in a list, or an empty one: what a model's `condition_inputs` returns.
        num_classes: as for `label_vector`.
        embedding: as for `label_vector`.
        initializer: as for `label_vector`.

    Returns:
        `x`, or shape (batch, width and that of the labels' vectors).
    """
    if not labels:
        return x
    return layers.Concatenate()([x, label_vector(labels[0], num_classes, embedding, initializer)])


def label_plane(labels, num_classes, height, width):
    """A learned one-channel image a label, to be concatenated to a picture. Shape (batch, height, width, labels)."""
    plane = layers.Embedding(num_classes, height * width, name="label_plane")(labels)
    if len(labels.shape) > 1:
        plane = layers.Permute((2, 1), name="label_planes")(plane)
    return layers.Reshape((height, width, plane.shape[-1] if len(plane.shape) > 2 else 1), name="label_image")(plane)


def label_projection(logits, features, labels, num_classes):
    """Adds the inner product of a class embedding with the features to the logits (Miyato & Koyama 2018, eq. 4).

    Args:
        logits: shape (batch, 1), the part that does not depend on the class.
        features: shape (batch, width).
        labels: integers of shape (batch,); of packs (batch, packing), whose embeddings are added up.
        num_classes: number of classes.

    Returns:
        Shape (batch, 1).
    """
    embedded = layers.Embedding(num_classes, features.shape[-1], name="label_projection")(labels)
    if len(labels.shape) > 1:
        embedded = ops.sum(embedded, axis=1)
    return layers.Add(name="label_logits")([logits, layers.Dot(axes=1, name="label_agreement")([embedded, features])])
