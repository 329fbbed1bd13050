"""Exponential moving averages of networks, batch statistics included."""

import math

from keras import ops

from kerasgan.game.randomness import is_seed_state
from kerasgan.game.schedules import precision, value_at


def half_life(decay, batch_size):
    """Converts an average's decay per update to a half-life in images, as recipes state it.

    Args:
        decay: Decay per update, such as 0.9999.
        batch_size: Number of images per step.
    """
    return round(batch_size * math.log(0.5) / math.log(decay), 1)


def update_averages(model, phases, batch_size):
    """Updates the averages of the networks that phases have trained.

    The decay is `0.5 ** (batch_size / half_life)` with the recipe's half-life in images, capped at `ema_rampup` times
    the images seen.

    Args:
        model: `AdversarialModel`.
        phases: Phases that have just run.
        batch_size: Number of images in the step, over all replicas.
    """
    trained = {name for phase in phases for name in phase.trains}
    for name in trained & set(model.averages):
        seen = ops.cast(model.images_seen, precision())
        half_life = ops.minimum(value_at(model.recipe.ema_half_life, seen), model.recipe.ema_rampup * seen)
        decay = 0.5 ** (ops.cast(batch_size, seen.dtype) / ops.maximum(half_life, 1e-6))
        for average, source in zip(model.averages[name].variables, model.networks[name].variables, strict=True):
            if is_seed_state(source):
                continue
            new = ops.convert_to_tensor(source)
            if "float" in source.dtype:
                new = new + ops.cast(decay, new.dtype) * (ops.convert_to_tensor(average) - new)
            average.assign(new)
