"""Kinds of samples and conditions, which define the data that a model expects.

A kind checks batches, makes example batches, encodes values that networks cannot take (captions) on the host, makes the
Keras inputs and draws pictures. Samples are `Images`, `Vectors`, `Audio`, `Voxels`, `Video`, `Tokens` or `Graphs`;
conditions are `Labels`, `Attributes`, `Captions`, `Characters`, `Sentences`, `Images`, or a dictionary of these.
"""

from kerasgan.data.kinds.basic import Images, Kind, Labels, Vectors, check_batch, check_count, check_labels_vary
from kerasgan.data.kinds.conditions import Attributes, Captions, Conditions
from kerasgan.data.kinds.discrete import Graphs, Tokens
from kerasgan.data.kinds.signals import Audio, Video, Voxels
from kerasgan.data.kinds.texts import Characters, Sentences, register_encoder


def kind_of(given):
    """Returns the kind of samples for a family's first argument.

    Args:
        given: A kind; a shape (height, width, channels) of images; or (size,) of vectors.

    Raises:
        ValueError: For anything else.
    """
    if isinstance(given, Kind):
        return given
    shape = tuple(given)
    return Vectors(*shape) if len(shape) == 1 else Images(shape)


__all__ = [
    "Attributes",
    "Audio",
    "Captions",
    "Characters",
    "Conditions",
    "Graphs",
    "Images",
    "Kind",
    "Labels",
    "Sentences",
    "Tokens",
    "Vectors",
    "Video",
    "Voxels",
    "check_batch",
    "check_count",
    "check_labels_vary",
    "kind_of",
    "register_encoder",
]
