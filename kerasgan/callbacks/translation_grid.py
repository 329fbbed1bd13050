"""Pictures of the same images translated again and again."""

import keras
import numpy as np

from kerasgan.callbacks.sample_grid import SampleGrid
from kerasgan.pictures.images import grid


class TranslationGrid(SampleGrid):
    """Writes rows of pictures (`TranslationModel.panel`), such as input, output and target, as `SampleGrid` does.

    Args:
        folder: where the pictures go.
        images: images x, shape (count, *image_shape), a column for each.
        targets: their targets, or as many images of the other domain; None for none.
        every_epochs: epochs from one picture to the next; the end of the training always gets one.
        seed: of the noise, the same each time.
        ema: use the averaged generator, else the one in training.
        tensorboard: as for `SampleGrid`.
    """

    def __init__(self, folder, images, targets=None, every_epochs=1, seed=0, ema=True, tensorboard=None):
        super().__init__(folder, every_epochs, len(images), seed, ema=ema, tensorboard=tensorboard)
        self.images, self.targets = images, targets

    def set_model(self, model):
        keras.callbacks.Callback.set_model(self, model)

    def picture(self):
        rows = self.model.panel(self.images, self.targets, self.seed, self.ema)
        return grid(np.concatenate(rows), columns=self.count)
