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


def label_vector(labels, num_classes, embedding=None):
    """A vector a label: one-hot, or learned of `embedding` entries. Shape (batch, num_classes or embedding)."""
    if embedding is None:
        return OneHot(num_classes, name="label_one_hot")(labels)
    return layers.Embedding(num_classes, embedding, name="label_embedding")(labels)


def label_plane(labels, num_classes, height, width):
    """A learned one-channel image a label, to be concatenated to a picture. Shape (batch, height, width, 1)."""
    plane = layers.Embedding(num_classes, height * width, name="label_plane")(labels)
    return layers.Reshape((height, width, 1), name="label_image")(plane)


def label_projection(logits, features, labels, num_classes):
    """Adds the inner product of a class embedding with the features to the logits (Miyato & Koyama 2018, eq. 4).

    Args:
        logits: shape (batch, 1), the part that does not depend on the class.
        features: shape (batch, width).
        labels: integers of shape (batch,).
        num_classes: number of classes.

    Returns:
        Shape (batch, 1).
    """
    embedded = layers.Embedding(num_classes, features.shape[-1], name="label_projection")(labels)
    return layers.Add(name="label_logits")([logits, layers.Dot(axes=1, name="label_agreement")([embedded, features])])
