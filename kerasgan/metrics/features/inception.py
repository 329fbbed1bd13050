"""The Inception network of 2015, whose features define the FID. The user provides the weights."""

import functools
import os

import keras
import numpy as np

from kerasgan.metrics.features import INCEPTION
from kerasgan.metrics.features.network import FeatureNetwork
from kerasgan.zoo.preset import sha256_of

PATH, SHA256 = "KERASGAN_INCEPTION", "KERASGAN_INCEPTION_SHA256"
SIZE = 299
ARCHIVE = "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz"


def inception_2015(path=None, sha256=None):
    """Returns the features of the FID (Heusel et al. 2017) from a local copy of the weights.

    The weights are the file `classify_image_graph_def.pb` of TensorFlow's archive `inception-2015-12-05.tgz`. Nothing
    is downloaded. TensorFlow publishes no checksum, so the user provides the checksum to trust.

    Args:
        path: Path of the file. Defaults to the environment variable `KERASGAN_INCEPTION`.
        sha256: Hexadecimal SHA-256 of the file. Defaults to the environment variable `KERASGAN_INCEPTION_SHA256`.

    Returns:
        An `Inception2015`.

    Raises:
        ValueError: If no path or checksum is given, if the checksum differs, if the file is not this network, or if the
            Keras backend is not TensorFlow.
    """
    path, sha256 = path or os.environ.get(PATH), sha256 or os.environ.get(SHA256)
    if not path:
        raise ValueError(
            f"{INCEPTION!r} needs its weights, which are not downloaded: set {PATH} to the path of "
            f"classify_image_graph_def.pb, which is in {ARCHIVE}, and {SHA256} to its SHA-256."
        )
    return _inception(str(path), sha256 and sha256.lower())


@functools.lru_cache(maxsize=1)
def _inception(path, sha256):
    return Inception2015(path, sha256)


class Inception2015(FeatureNetwork):
    """`inception-2015`: 2048 features after the last pooling, and logits of 1008 classes.

    As in the implementations of Heusel et al. 2017 and Salimans et al. 2016, images are rounded to 8 bits, resized to
    299x299 by bilinear interpolation without antialiasing (TensorFlow 1: corners not aligned, no half-pixel centres)
    and scaled by `(x - 128) / 128`. The graph itself does everything except the rounding. As in the Inception score of
    the latter, the logits do not include the bias.

    Args:
        path: Path of the frozen TensorFlow graph.
        sha256: SHA-256 of the file.
    """

    heads = {"label": 1008}

    def __init__(self, path, sha256):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{INCEPTION!r} is a TensorFlow graph, but the Keras backend is {keras.backend.backend()!r}; set "
                "KERAS_BACKEND=tensorflow, or use other features."
            )
        found = sha256_of(path)
        if not sha256:
            raise ValueError(
                f"The SHA-256 of {path} is {found}. No official checksum is published. If you trust this file, "
                f"set {SHA256} to the value, or pass sha256=."
            )
        if found != sha256:
            raise ValueError(
                f"{path} has the SHA-256 {found}; expected {sha256}. The file is damaged or a different one."
            )
        self.name, self.image_shape = INCEPTION, (SIZE, SIZE, 3)
        self._graph = _load(path)
        self._check_preparation(path)

    def resizing(self, shape):
        return f"{shape[0]}×{shape[1]} in 8 bits, resized to {SIZE}×{SIZE}: bilinear, not antialiased"

    def _run(self, images):
        levels = np.rint((images + 1) * 127.5).astype("float32")
        features, logits, _ = self._graph(levels)
        return {"features": features, "label": logits}

    def _check_preparation(self, path):
        """Raises an error if the graph resizes or scales images differently."""
        import tensorflow as tf

        ramp = np.linspace(0, 255, 2 * 5 * 7 * 3, dtype="float32").reshape(2, 5, 7, 3)
        *_, prepared = self._graph(ramp)
        resized = tf.compat.v1.image.resize_bilinear(ramp, (SIZE, SIZE), align_corners=False)
        if prepared.shape != resized.shape or np.abs(prepared - (resized - 128) / 128).max() > 1e-4:
            raise ValueError(
                f"{path} does not prepare images as the Inception network of 2015 does (bilinear to {SIZE}x{SIZE}, "
                "(x - 128) / 128); expected classify_image_graph_def.pb."
            )


def _load(path):
    """Returns the graph as a function from levels (n, h, w, 3), 0 to 255, to features, logits and prepared images."""
    import tensorflow as tf

    definition, graph = tf.compat.v1.GraphDef(), tf.Graph()
    try:
        with open(path, "rb") as file:
            definition.ParseFromString(file.read())
        with graph.as_default():
            # The graph's own input has a batch size of 1; a placeholder in its place makes all later shapes flexible.
            levels = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
            pooled, product, prepared = tf.compat.v1.import_graph_def(
                definition, {"ExpandDims:0": levels}, ("pool_3:0", "softmax/logits/MatMul", "Mul:0"), name=""
            )
            features = tf.reshape(pooled, (tf.shape(levels)[0], -1))
            outputs = features, features @ product.inputs[1], prepared
    except Exception as error:  # A broken file or another graph raises DecodeError, ValueError, KeyError and others.
        raise ValueError(
            f"{path} is not the Inception graph of 2015 ({error}); expected classify_image_graph_def.pb."
        ) from error
    # A session, because operations from 2015 run in a graph of that version but not in a tf.function.
    session = tf.compat.v1.Session(graph=graph)
    return lambda images: session.run(outputs, {levels: images})
