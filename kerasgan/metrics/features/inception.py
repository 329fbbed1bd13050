"""The Inception network of 2015, in whose features the FID is defined; its weights are a file that the user has."""

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
    """The features of the FID (Heusel et al. 2017), from the file `classify_image_graph_def.pb` of their program.

    Nothing is downloaded. The file is in the archive `inception-2015-12-05.tgz` of TensorFlow, which publishes no
    checksum of it: say which one you trust.

    Args:
        path: Of the file; by default what the environment variable `KERASGAN_INCEPTION` says.
        sha256: Of the file, hexadecimal; by default what `KERASGAN_INCEPTION_SHA256` says.

    Returns:
        An `Inception2015`.

    Raises:
        ValueError: No path or checksum is given, the file has another checksum or is not this network, or the Keras
            backend is not TensorFlow.
    """
    path, sha256 = path or os.environ.get(PATH), sha256 or os.environ.get(SHA256)
    if not path:
        raise ValueError(
            f"{INCEPTION!r} needs its weights: set {PATH} to the path of classify_image_graph_def.pb, which is in "
            f"{ARCHIVE}, and {SHA256} to its SHA-256. Nothing is downloaded."
        )
    return _inception(str(path), sha256 and sha256.lower())


@functools.lru_cache(maxsize=1)
def _inception(path, sha256):
    return Inception2015(path, sha256)


class Inception2015(FeatureNetwork):
    """`inception-2015`: 2048 features behind the last pooling, and logits of 1008 classes.

    As in the programs of Heusel et al. 2017 and Salimans et al. 2016: images are rounded to 8 bits, brought to 299x299
    by bilinear interpolation without antialiasing (TensorFlow 1: corners not aligned, no half-pixel centres) and scaled
    by `(x - 128) / 128`, all but the first by the graph itself; the logits are without the bias, as in the Inception
    score of the latter.

    Args:
        path: Of the frozen TensorFlow graph.
        sha256: Of the file.
    """

    heads = {"label": 1008}

    def __init__(self, path, sha256):
        if keras.backend.backend() != "tensorflow":
            raise ValueError(
                f"{INCEPTION!r} is a TensorFlow graph and the Keras backend is {keras.backend.backend()!r}; set "
                "KERAS_BACKEND=tensorflow, or take other features."
            )
        found = sha256_of(path)
        if not sha256:
            raise ValueError(
                f"The SHA-256 of {path} is {found}. No checksum of this file is published: if it is the one you trust, "
                f"set {SHA256} to it, or pass sha256=."
            )
        if found != sha256:
            raise ValueError(f"{path} has the SHA-256 {found}; expected {sha256}: it is another file, or damaged.")
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
        """Refuses a graph that resizes or scales otherwise."""
        import tensorflow as tf

        ramp = np.linspace(0, 255, 2 * 5 * 7 * 3, dtype="float32").reshape(2, 5, 7, 3)
        *_, prepared = self._graph(ramp)
        resized = tf.compat.v1.image.resize_bilinear(ramp, (SIZE, SIZE), align_corners=False)
        if prepared.shape != resized.shape or np.abs(prepared - (resized - 128) / 128).max() > 1e-4:
            raise ValueError(
                f"{path} does not prepare images as the network of 2015 does (bilinear to {SIZE}x{SIZE}, "
                "(x - 128) / 128); expected classify_image_graph_def.pb."
            )


def _load(path):
    """The graph as a function from levels (n, h, w, 3), 0 to 255, to features, logits and prepared images."""
    import tensorflow as tf

    definition, graph = tf.compat.v1.GraphDef(), tf.Graph()
    try:
        with open(path, "rb") as file:
            definition.ParseFromString(file.read())
        with graph.as_default():
            # The first axis of the graph's own input is 1; what is put in its place makes every shape after it free.
            levels = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3))
            pooled, product, prepared = tf.compat.v1.import_graph_def(
                definition, {"ExpandDims:0": levels}, ("pool_3:0", "softmax/logits/MatMul", "Mul:0"), name=""
            )
            features = tf.reshape(pooled, (tf.shape(levels)[0], -1))
            outputs = features, features @ product.inputs[1], prepared
    except Exception as error:  # of a broken file or another graph: DecodeError, ValueError, KeyError and others
        raise ValueError(
            f"{path} is not the Inception graph of 2015 ({error}); expected classify_image_graph_def.pb."
        ) from error
    # A session, because operations of 2015 may run in a graph of that version, and not in a tf.function.
    session = tf.compat.v1.Session(graph=graph)
    return lambda images: session.run(outputs, {levels: images})
