"""Losses between the vectors of images and of captions."""

import numpy as np
from keras import ops

from kerasgan.objectives.losses import at_least_float32


def joint_embedding(images, texts, group, captions=None, margin=1.0):
    """Computes the margin loss of a structured joint embedding (Reed et al. 2016, eq. 2; Reed et al. 2016b, section 3).

    With the scores F(v, t) = <v, t> of images v and texts t of a group, it is the mean over i and j != i of

        max(0, margin + F(v_i, t_j) - F(v_i, t_i)) + max(0, margin + F(v_j, t_i) - F(v_i, t_i)):

    each caption is its own class. Pairs with equal captions do not count. The authors' classes are species, each
    described by several captions.

    Args:
        images: Vectors of images, shape (batch, size).
        texts: Vectors of their captions, shape (batch, size).
        group: Number of neighbouring samples that are compared with each other, at least 2. The batch size must be a
            multiple of it.
        captions: Captions, integers of shape (batch, length). `None` if they are all different.
        margin: Margin by which the score of the correct pair should be larger.

    Returns:
        The loss, and the share of images whose correct caption has the highest score of the group.

    Raises:
        ValueError: If the batch size is not a multiple of `group`.
    """
    if group < 2 or (images.shape[0] is not None and images.shape[0] % group):
        raise ValueError(
            f"`matching_group` is {group}; expected 2 or more, and a divisor of the {images.shape[0]} samples of a "
            "replica's batch. Compile with another batch_size or matching_group."
        )
    images, texts = (ops.reshape(at_least_float32(each), (-1, group, each.shape[-1])) for each in (images, texts))
    scores = ops.matmul(images, ops.transpose(texts, (0, 2, 1)))  # [i, j]: image i and text j
    counts = ops.convert_to_tensor(1.0 - np.eye(group), scores.dtype)[None]
    if captions is not None:
        captions = ops.reshape(captions, (-1, group, captions.shape[-1]))
        differ = ops.any(ops.not_equal(captions[:, :, None], captions[:, None]), axis=-1)
        counts = counts * ops.cast(differ, scores.dtype)
    own = ops.sum(scores * ops.convert_to_tensor(np.eye(group), scores.dtype), axis=-1)
    of_image = ops.relu(margin + scores - own[:, :, None])
    of_text = ops.relu(margin + scores - own[:, None, :])
    size = ops.cast(ops.shape(scores)[0] * group * (group - 1), scores.dtype)
    loss = ops.sum(counts * (of_image + of_text)) / size
    best = ops.max(ops.where(counts > 0, scores, -1e9), axis=-1)
    right = ops.cast(own > best, scores.dtype)
    return loss, ops.sum(right) / ops.cast(ops.shape(scores)[0] * group, scores.dtype)
