"""The players' optimizers as one Keras optimizer, and the optimizer schedules of the first GAN papers."""

import math

import keras
from keras import ops

from kerasgan.game import schedules


class PlayerOptimizers(keras.optimizers.Optimizer):
    """The optimizers of all players as one Keras optimizer: `model.optimizer`.

    Its variables are those of the players' optimizers, so that they are part of the state of `fit` on JAX and of
    `.keras` files. Its learning rate is that of the last player (usually the generator); setting it scales the learning
    rates of all players by the same factor, so that a standard Keras schedule preserves their ratios.

    Args:
        players: Dictionary `{player: keras.optimizers.Optimizer}`.
    """

    def __init__(self, players):
        super().__init__(learning_rate=0.0, name="players")
        self.players = dict(players)
        self.settings = {f"optimizers/{name}/{what}": value for name, what, value in self._settings()}
        self.built = True

    def _settings(self):
        """The variables that the recipe determines before training: (player, name of the variable, value)."""
        for name, optimizer in self.players.items():
            rate = getattr(getattr(optimizer, "inner_optimizer", optimizer), "_learning_rate", None)
            if isinstance(rate, keras.Variable):
                yield name, "learning_rate", float(ops.convert_to_numpy(rate))
            if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                yield name, "dynamic_scale", float(optimizer.initial_scale)

    def __getitem__(self, player):
        return self.players[player]

    @property
    def variables(self):
        return [v for optimizer in self.players.values() for v in optimizer.variables]

    @property
    def reference(self):
        """The last player's optimizer, whose learning rate this optimizer reports."""
        return self.players[list(self.players)[-1]]

    @property
    def iterations(self):
        return self.reference.iterations

    @property
    def learning_rate(self):
        return self.reference.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        old = float(ops.convert_to_numpy(self.reference.learning_rate))
        if old == 0.0 or callable(value):
            raise ValueError(
                f"Cannot scale all players' learning rates by {value!r} / {old}. Set them one by one: "
                "model.optimizer['generator'].learning_rate = ..., or use kerasgan.callbacks.PlayerSchedule."
            )
        for optimizer in self.players.values():
            optimizer.learning_rate = float(ops.convert_to_numpy(optimizer.learning_rate)) * float(value) / old

    def follow(self, images_seen):
        """Sets the function that returns the number of images seen, for optimizers with schedules."""
        for optimizer in self.players.values():
            optimizer = getattr(optimizer, "inner_optimizer", optimizer)
            if isinstance(optimizer, ScheduledAdam):
                optimizer.images_seen = images_seen

    def build(self, variables):
        """Does nothing: `AdversarialModel.compile` builds each player's optimizer on its own variables."""

    def save_own_variables(self, store):
        """Does nothing: the players' optimizers are saved as its children."""

    def load_own_variables(self, store):
        """Does nothing: the players' optimizers are loaded as its children."""

    def finalize_variable_values(self, var_list):
        for optimizer in self.players.values():
            optimizer.finalize_variable_values(optimizer._trainable_variables)


def all_finite(tensors):
    """Whether all values of all floating-point tensors are finite, a scalar bool."""
    floats = [x for x in tensors if "float" in keras.backend.standardize_dtype(x.dtype)]
    return ops.all(ops.stack([ops.all(ops.isfinite(x)) for x in floats]))


def update_loss_scale(optimizer, finite):
    """Updates the dynamic scale of a `keras.optimizers.LossScaleOptimizer` as Keras does, but also in pure functions.

    Args:
        optimizer: `keras.optimizers.LossScaleOptimizer`.
        finite: Whether the gradients of the step were finite.
    """
    scale, count = ops.convert_to_tensor(optimizer.dynamic_scale), ops.convert_to_tensor(optimizer.step_counter)
    grown = count >= optimizer.dynamic_growth_steps - 1
    optimizer.dynamic_scale.assign(ops.where(finite, ops.where(grown, 2.0 * scale, scale), 0.5 * scale))
    optimizer.step_counter.assign(ops.where(ops.logical_and(finite, ops.logical_not(grown)), count + 1, 0))


@keras.saving.register_keras_serializable(package="kerasgan")
class ScheduledAdam(keras.optimizers.Adam):
    """Adam whose learning rate and second decay may follow schedules of the images that the model has seen.

    The bias corrections are those of Adam with the current decay. Outside a compiled model, schedules keep their start
    value.

    Args:
        learning_rate: Learning rate: a number, or one of `kerasgan.game.schedules`.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment: a number, or one of `kerasgan.game.schedules`.
        **kwargs: See `keras.optimizers.Adam`.
    """

    images_seen = staticmethod(lambda: 0)  # the game's counter, from `PlayerOptimizers.follow`
    scheduled_rate = None

    def __init__(self, learning_rate=2e-4, beta_1=0.0, beta_2=0.99, **kwargs):
        rate = schedules.get(learning_rate)
        super().__init__(schedules.lowest(rate), beta_1, schedules.get(beta_2), **kwargs)  # Keras requires a number
        self.scheduled_rate = rate

    @property
    def learning_rate(self):
        if isinstance(self.scheduled_rate, schedules.Schedule):
            return self.scheduled_rate(self.images_seen())
        return super().learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(self.scheduled_rate, schedules.Schedule):
            raise TypeError("The learning rate follows a schedule. Compile with a number to set it yourself.")
        keras.optimizers.Adam.learning_rate.fset(self, value)

    @property
    def beta_2(self):
        return schedules.value_at(self.scheduled_decay, self.images_seen())

    @beta_2.setter
    def beta_2(self, value):
        self.scheduled_decay = value

    def get_config(self):
        own = {"learning_rate": self.scheduled_rate, "beta_2": self.scheduled_decay}
        plain = keras.saving.serialize_keras_object
        return super().get_config() | {k: plain(v) for k, v in own.items() if isinstance(v, schedules.Schedule)}


@keras.saving.register_keras_serializable(package="kerasgan")
class RestartedAdam(ScheduledAdam):
    """Adam that resets its moments and bias corrections after given numbers of images.

    At these points growing networks gain layers, whose moments would otherwise be corrected as if they had been trained
    from the start.

    Args:
        learning_rate: See `ScheduledAdam`.
        restarts: Thousands of images before each restart, ascending.
        **kwargs: See `ScheduledAdam`; `amsgrad` is not supported.
    """

    def __init__(self, learning_rate=1e-3, restarts=(), **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.restarts = tuple(restarts)

    def build(self, variables):
        built = self.built
        super().build(variables)
        if not built:
            counter = {"shape": (), "dtype": "int32", "aggregation": "only_first_replica"}
            self.restarted = self.add_variable(name="restarted", **counter)  # number of restarts so far
            self.start = self.add_variable(name="start", **counter)  # number of updates before the last restart

    def apply(self, grads, trainable_variables=None):
        images = ops.cast(self.images_seen(), "int32")
        due = sum(ops.cast(images >= int(1000 * kimg), "int32") for kimg in self.restarts)
        due = ops.cast(due, "int32")
        start, now = ops.cast(self.start, "int32"), ops.cast(self.iterations, "int32")
        self.start.assign(ops.where(due > ops.cast(self.restarted, "int32"), now, start))
        self.restarted.assign(due)
        return super().apply(grads, trainable_variables)

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        first, second = self._momentums[place], self._velocities[place]
        updates = ops.cast(self.iterations, "int32") - ops.cast(self.start, "int32")
        kept = ops.cast(updates > 0, variable.dtype)
        rate, gradient = ops.cast(learning_rate, variable.dtype), ops.cast(gradient, variable.dtype)
        decays = [ops.cast(decay, variable.dtype) for decay in (self.beta_1, self.beta_2)]
        corrections = [1 - ops.power(decay, ops.cast(updates + 1, variable.dtype)) for decay in decays]
        self.assign(first, decays[0] * kept * first + (1 - decays[0]) * gradient)
        self.assign(second, decays[1] * kept * second + (1 - decays[1]) * ops.square(gradient))
        rate = rate * ops.sqrt(corrections[1]) / corrections[0]
        self.assign_sub(variable, rate * first / (ops.sqrt(second) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "restarts": list(self.restarts)}


@keras.saving.register_keras_serializable(package="kerasgan")
class FlooredDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate `max(initial / factor**step, floor)` (the decay of Goodfellow et al. 2014's training code).

    Args:
        initial: Learning rate at step 0.
        factor: Divisor at each update, slightly above 1.
        floor: Smallest learning rate.
    """

    def __init__(self, initial=0.1, factor=1.000004, floor=1e-6):
        self.initial, self.factor, self.floor = initial, factor, floor

    def __call__(self, step):
        # Not a power of 1 / factor: float32 would round it to a coarse value just below 1.
        step = ops.cast(step, schedules.precision())
        return ops.maximum(self.initial * ops.exp(-math.log(self.factor) * step), self.floor)

    def get_config(self):
        return {"initial": self.initial, "factor": self.factor, "floor": self.floor}


@keras.saving.register_keras_serializable(package="kerasgan")
class MomentumRampSGD(keras.optimizers.SGD):
    """SGD whose momentum grows linearly from `momentum` to `final_momentum` (Goodfellow et al. 2014's training code).

    Args:
        learning_rate: Learning rate: a number or a Keras schedule.
        momentum: Momentum at the first update.
        final_momentum: Momentum from update `ramp_start` + `ramp_steps` on.
        ramp_steps: Number of updates over which the momentum grows.
        ramp_start: Number of updates before the momentum starts to grow.
        **kwargs: See `keras.optimizers.SGD`.
    """

    def __init__(self, learning_rate=0.1, momentum=0.5, final_momentum=0.7, ramp_steps=125_000, ramp_start=0, **kwargs):
        super().__init__(learning_rate=learning_rate, momentum=momentum, **kwargs)
        self.initial_momentum, self.final_momentum = momentum, final_momentum
        self.ramp_steps, self.ramp_start = ramp_steps, ramp_start

    def update_step(self, gradient, variable, learning_rate):
        step = ops.cast(self.iterations, schedules.precision())
        progress = ops.clip((step - self.ramp_start) / self.ramp_steps, 0.0, 1.0)
        momentum = self.initial_momentum + (self.final_momentum - self.initial_momentum) * progress
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(
            velocity,
            ops.cast(momentum, variable.dtype) * velocity
            - ops.cast(learning_rate, variable.dtype) * ops.cast(gradient, variable.dtype),
        )
        self.assign_add(variable, velocity)

    def get_config(self):
        config = super().get_config()
        config.update(
            momentum=self.initial_momentum,
            final_momentum=self.final_momentum,
            ramp_steps=self.ramp_steps,
            ramp_start=self.ramp_start,
        )
        return config
