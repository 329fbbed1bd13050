"""Models that learn from two unpaired domains: their data, and the decay of the learning rates."""

import dataclasses
import functools
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.bases.translation import TranslationModel, TranslationRecipe
from kerasgan.callbacks.schedule import PlayerSchedule
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.game.phase import shared
from kerasgan.game.schedules import Schedule

NO_WEIGHTS = "`sample_weight` was given, but x and y are not paired. Leave it out."


@dataclasses.dataclass(frozen=True)
class UnpairedRecipe(TranslationRecipe):
    """Training settings of translators without pairs.

    Args:
        decay_from: Fraction of the epochs of a `fit` after which the learning rates fall linearly to zero. `None` for
            no decay, which is required for optimizers with a learning-rate schedule.

    Raises:
        ValueError: For a fraction outside [0, 1].
    """

    loss: Any = "least_squares"
    decay_from: float | None = 0.5

    def __post_init__(self):
        super().__post_init__()
        if self.decay_from is not None and not 0 <= self.decay_from <= 1:
            raise ValueError(f"`decay_from` is {self.decay_from}; expected a fraction of the epochs, or None.")


@keras.saving.register_keras_serializable(package="kerasgan")
class UnpairedModel(TranslationModel):
    """A translation model whose `fit(x, y)` draws the images of each domain in a separate order.

    If the recipe has a field `pool_size`, the model keeps image pools for batches of the recipe's `batch_size`.

    Args:
        **kwargs: Arguments of `kerasgan.TranslationModel`.
    """

    as_pairs = "unpaired"

    def check_data(self, x, y=None):
        if x is None or y is None:
            super().check_data(x, y)
        for spec, images, name in zip(self.data_specs(), (x, y), "xy", strict=True):
            spec.check(images, name)

    @staticmethod
    def refuse_weights(sample_weight):
        """Raises a ValueError if sample weights are given."""
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)

    def fit_callbacks(self, epochs):
        """Additional callbacks for a `fit` of the given number of epochs."""
        return []

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        *,
        shuffle=True,
        callbacks=None,
        sample_weight=None,
        initial_step=0,
        **kwargs,
    ):
        """Trains on images x and y of two domains, each in its own order; see `AdversarialModel.fit`.

        Args:
            x: Images of one domain, or a data set of batches (x, y).
            y: Images of the other domain. Each epoch leaves out some images of the larger domain, a different selection
                each time.
            batch_size: Batch size for arrays. Defaults to that of the recipe.
            shuffle: Whether to draw a new order for each epoch, for arrays.
            callbacks: List of Keras callbacks.
            sample_weight: Must be `None`: there are no pairs to weight.
            initial_step: See `AdversarialModel.fit`.
            **kwargs: See `AdversarialModel.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: For data the family cannot be trained on, or if sample weights are given.
        """
        self.refuse_weights(sample_weight)
        callbacks, made = [*(callbacks or []), *self.fit_callbacks(kwargs.get("epochs", 1))], None
        if hasattr(x, "__array__"):
            x, y = (None if images is None else np.asarray(images) for images in (x, y))
            self.check_data(x, y)
            count = batch_size or min(self.recipe.batch_size, len(x), len(y))
            x = made = ArrayBatches((x, y), count, self.seed if shuffle else None, unpaired=True)
            y = None
            if getattr(self.recipe, "pool_size", 0) and count != self.recipe.batch_size:
                raise ValueError(
                    f"`batch_size` is {count}, but the image pools were made for batches of {self.recipe.batch_size}. "
                    f"Compile a new model with batch_size={count}, or with pool_size=0."
                )
            callbacks.append(x)
        try:
            return super().fit(x, y, callbacks=callbacks, initial_step=initial_step, **kwargs)
        finally:
            if made is not None:
                made.forget(arrays=True)


class UnpairedTranslationModel(UnpairedModel):
    """Translators between two domains, whose learning rates fall at the end of a `fit`."""

    recipe = UnpairedRecipe()
    size_multiple, smallest_size = 4, 8  # of residual translators

    def compile(self, **arguments):
        super().compile(**arguments)
        players = self.optimizer.players.items()
        inner = {player: getattr(each, "inner_optimizer", each) for player, each in players}
        scheduled = [player for player, each in inner.items() if _has_schedule(each)]
        if scheduled and self.recipe.decay_from is not None:
            raise ValueError(
                f"`decay_from` is {self.recipe.decay_from}, but the learning rates of {scheduled} have schedules of "
                "their own, which the decay would overwrite. Compile with decay_from=None."
            )
        self._rates = {player: float(ops.convert_to_numpy(each.learning_rate)) for player, each in players}

    @shared
    def views(self, batch):
        """The batch's images of both domains, jittered independently."""
        self.refuse_weights(batch.sample_weight)
        return *self.jittered(batch.x), *self.jittered(batch.y)

    def fit_callbacks(self, epochs):
        """The callback for the learning-rate decay (Zhu et al. 2017, appendix 7.1: constant, then linear to zero)."""
        if self.recipe.decay_from is None:
            return []
        first = math.ceil(self.recipe.decay_from * epochs)

        def schedule(epoch, learning_rate, start):
            return start * (1.0 - max(0, epoch + 1 - first) / (epochs - first + 1))

        return [PlayerSchedule(name, functools.partial(schedule, start=rate)) for name, rate in self._rates.items()]


def _has_schedule(optimizer):
    """Whether an optimizer has a learning-rate schedule."""
    scheduled = isinstance(getattr(optimizer, "scheduled_rate", None), Schedule)
    return scheduled or not isinstance(optimizer._learning_rate, keras.Variable)
