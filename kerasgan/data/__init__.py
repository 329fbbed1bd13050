"""Data for training: what a model expects (`Images`, `Vectors`, `Labels`), `prepare`, `from_folder` and `load`.

Importing this package imports neither TensorFlow (unless it is the Keras backend) nor TFDS.
"""

from kerasgan.data import kinds
from kerasgan.data.folder import from_folder
from kerasgan.data.kinds import Images, Labels, Vectors, check_batch, check_labels_vary
from kerasgan.data.load import load
from kerasgan.data.prepare import prepare

__all__ = ["Images", "Labels", "Vectors", "check_batch", "check_labels_vary", "from_folder", "kinds", "load", "prepare"]
