"""Training data: `load`, `from_folder`, `prepare`, and specs of a model's inputs (`Images`, `Vectors`, `Labels`).

`describe` summarises what was loaded, for the record of a run, and `source` gives access to it before batching.

Importing this package imports neither TensorFlow (unless it is the Keras backend) nor TFDS.
"""

from kerasgan.data import kinds
from kerasgan.data.description import Description, check_class_names, class_numbers
from kerasgan.data.folder import FolderOptions, from_folder
from kerasgan.data.kinds import Images, Labels, Vectors, check_batch, check_labels_vary
from kerasgan.data.load import describe, load, source
from kerasgan.data.prepare import prepare

__all__ = [
    "Description",
    "FolderOptions",
    "Images",
    "Labels",
    "Vectors",
    "check_batch",
    "check_class_names",
    "check_labels_vary",
    "class_numbers",
    "describe",
    "from_folder",
    "kinds",
    "load",
    "prepare",
    "source",
]
