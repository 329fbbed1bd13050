"""Learning-rate schedule of one player."""

import keras
from keras import ops


class PlayerSchedule(keras.callbacks.Callback):
    """Sets the learning rate of one player and logs it as `<player>_learning_rate`.

    A schedule by step runs some Python code in each step (on JAX the state passes through the host). A
    `keras.optimizers.schedules` object as the optimizer's learning rate avoids this cost.

    Args:
        player: Name of a player of the recipe, such as "generator".
        schedule: Function of the epoch or the step (counted from 0, even after resuming) and the current learning rate
            that returns the new learning rate, a float.
        by: "epoch" or "step", the unit of the schedule.

    Examples:

    >>> halved = PlayerSchedule("discriminator", lambda epoch, learning_rate: 2e-4 * 0.5 ** (epoch // 10))
    >>> model.fit(images, epochs=50, callbacks=[halved])
    """

    def __init__(self, player, schedule, by="epoch"):
        super().__init__()
        if by not in ("epoch", "step"):
            raise ValueError(f"by is {by!r}, expected 'epoch' or 'step'.")
        self.player, self.schedule, self.by = player, schedule, by

    def set_model(self, model):
        players = model.optimizer.players
        if self.player not in players:
            raise ValueError(f"There is no player {self.player!r}; the players are {', '.join(players)}.")
        super().set_model(model)
        self.watched = model  # not `self.model` at each step: on JAX, it fetches the whole state

    def on_epoch_begin(self, epoch, logs=None):
        self.first_step, self.passed = int(ops.convert_to_numpy(self.model.iterations)), 0
        if self.by == "epoch" and not self.watched.catching_up:  # otherwise it was called before the checkpoint
            self._ask(epoch)

    def on_train_batch_begin(self, batch, logs=None):
        if self.watched.catching_up:
            self.passed = batch + self.watched.steps_per_execution
        elif self.by == "step":
            self._ask(self.first_step + batch - self.passed)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs[f"{self.player}_learning_rate"] = self._learning_rate()

    def _learning_rate(self):
        return float(ops.convert_to_numpy(self.model.optimizer[self.player].learning_rate))

    def _ask(self, place):
        new = self.schedule(place, self._learning_rate())
        try:
            self.model.optimizer[self.player].learning_rate = float(new)
        except TypeError as error:
            raise ValueError(
                f"The schedule of {self.player!r} cannot be applied: it returned {new!r}, or the optimizer already "
                "has a learning-rate schedule. Return a number, and compile with a number."
            ) from error
