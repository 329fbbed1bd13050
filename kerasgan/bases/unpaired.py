"""Models that translate between two domains without pairs: the common part of CycleGAN and SimGAN."""

import keras
import numpy as np

from kerasgan.bases.translation import TranslationModel
from kerasgan.data.pipeline import ArrayBatches

NO_WEIGHTS = "`sample_weight` was given, but x and y are no pairs to be weighed. Leave it out."


@keras.saving.register_keras_serializable(package="kerasgan")
class UnpairedModel(TranslationModel):
    """A translation model whose `fit(x, y)` draws the images of each domain in a separate order.

    A recipe with a field `pool_size` has memories of images for batches of its `batch_size`.

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
        """Raises a ValueError if there are weights."""
        if sample_weight is not None:
            raise ValueError(NO_WEIGHTS)

    def fit_callbacks(self, epochs):
        """Further callbacks of a `fit` of so many epochs."""
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
        """As `AdversarialModel.fit`, for arrays x and y of two domains, each in a separate order.

        Args:
            x: Images of one domain, or a data set of batches (x, y).
            y: Images of the other domain. An epoch leaves out images of the longer one, each epoch other images.
            batch_size: Batch size for arrays; the recipe's by default.
            shuffle: Whether each epoch has a new order, for arrays.
            callbacks: List of Keras callbacks.
            sample_weight: Must be `None`: there are no pairs to weigh.
            initial_step: As for `AdversarialModel.fit`.
            **kwargs: As for `AdversarialModel.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: For data on which the family cannot be trained, or weights.
        """
        self.refuse_weights(sample_weight)
        callbacks = [*(callbacks or []), *self.fit_callbacks(kwargs.get("epochs", 1))]
        if hasattr(x, "__array__"):
            x, y = (None if images is None else np.asarray(images) for images in (x, y))
            self.check_data(x, y)
            count = batch_size or min(self.recipe.batch_size, len(x), len(y))
            x, y = ArrayBatches((x, y), count, self.seed if shuffle else None, unpaired=True), None
            if getattr(self.recipe, "pool_size", 0) and count != self.recipe.batch_size:
                raise ValueError(
                    f"`batch_size` is {count}, but the memories are for batches of {self.recipe.batch_size}. "
                    f"Compile a new model with batch_size={count}, or with pool_size=0."
                )
            callbacks.append(x)
        return super().fit(x, y, callbacks=callbacks, initial_step=initial_step, **kwargs)
