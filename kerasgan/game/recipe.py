"""Training recipes as data: the defaults of `compile()`, which can be printed and changed field by field."""

import dataclasses
import difflib
import functools
import inspect

import keras

from kerasgan.game.schedules import Schedule, Stairs

UPDATES = ("alternating", "alternating_shared", "simultaneous")


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An optimizer as a value: a recipe holds it, and each `compile()` makes a new Keras optimizer from it.

    Args:
        class_name: Name of a Keras optimizer, such as "Adam", or of a registered one.
        config: Dictionary of its constructor arguments.
    """

    class_name: str
    config: dict

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        return f"{self.class_name.split('>')[-1]}({arguments})"

    def make(self):
        """A new Keras optimizer."""
        return keras.optimizers.get(optimizer_config(self))


def _given(**arguments):
    return {name: value for name, value in arguments.items() if value is not None}


def Adam(learning_rate, beta_1=None, beta_2=None, epsilon=None):
    """`keras.optimizers.Adam` as a value.

    Args:
        learning_rate: Learning rate: a number, or one of `kerasgan.game.schedules`.
        beta_1: Decay of the first moment. `None` for Keras' default, here and below.
        beta_2: Decay of the second moment: a number, or one of `kerasgan.game.schedules`.
        epsilon: Number added to the square root of the second moment.
    """
    config = _given(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    scheduled = any(isinstance(value, Schedule) for value in config.values())
    return Optimizer("kerasgan>ScheduledAdam" if scheduled else "Adam", config)


def RMSprop(learning_rate, rho=None, momentum=None, epsilon=None):
    """`keras.optimizers.RMSprop` as a value.

    Args:
        learning_rate: Learning rate.
        rho: Decay of the mean square. `None` for Keras' default, here and below.
        momentum: Momentum.
        epsilon: Number added under the square root: Keras divides by sqrt(v + epsilon), Torch by sqrt(v) + epsilon.
    """
    return Optimizer("RMSprop", _given(learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon))


def SGD(learning_rate, momentum=None, final_momentum=None, ramp_steps=None, ramp_start=None):
    """`keras.optimizers.SGD` as a value.

    Args:
        learning_rate: Learning rate: a number or a Keras schedule.
        momentum: Momentum; 0 by default.
        final_momentum: Final momentum after linear growth. `None` for a constant momentum.
        ramp_steps: Number of updates over which the momentum grows.
        ramp_start: Number of updates before the momentum starts to grow; 0 by default.
    """
    config = _given(learning_rate=learning_rate, momentum=momentum)
    if final_momentum is None:
        return Optimizer("SGD", config)
    ramp = _given(final_momentum=final_momentum, ramp_steps=ramp_steps, ramp_start=ramp_start)
    return Optimizer("kerasgan>MomentumRampSGD", config | ramp)


def optimizer_config(value):
    """The configuration of a recipe's optimizer field, as a new dictionary `{"class_name": ..., "config": {...}}`.

    Args:
        value: `Optimizer`, `keras.optimizers.Optimizer`, its configuration or its name.
    """
    if isinstance(value, str):
        value = {"class_name": value, "config": {}}
    elif isinstance(value, Optimizer):
        value = {"class_name": value.class_name, "config": value.config}
    elif not isinstance(value, dict):
        value = keras.saving.serialize_keras_object(value)
    return {**value, "config": {**value["config"]}}


def recipe_of(family, chosen=None):
    """The recipe that a family's `compile(recipe=chosen)` starts from.

    Args:
        family: Subclass of `kerasgan.AdversarialModel`.
        chosen: Name of one of its `recipes`, a `Recipe`, or `None`.

    Raises:
        ValueError: For a name that the family does not have.
    """
    if chosen is None or chosen == "default":
        return family.recipe
    if isinstance(chosen, Recipe):
        return chosen
    if chosen not in family.recipes:
        nearest = difflib.get_close_matches(str(chosen), family.recipes, 1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        known = ", ".join(family.recipes) or "none but the default"
        raise ValueError(f"`recipe` is {chosen!r}; {family.__name__} has: {known}.{hint}")
    return family.recipe.replace(**family.recipes[chosen])


def show_recipe(family):
    """Gives a family a `compile` whose signature shows the fields of its recipe."""
    method = family.compile

    @functools.wraps(method)
    def compile(self, **arguments):
        return method(self, **arguments)

    keyword = inspect.Parameter.KEYWORD_ONLY
    options = {"run_eagerly": False, "steps_per_execution": 1, "jit_compile": "auto", "checks": True}
    fields = {field.name: getattr(family.recipe, field.name) for field in dataclasses.fields(family.recipe)}
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    shown = {"recipe": None, **fields, **options}
    parameters = [inspect.Parameter(name, keyword, default=default) for name, default in shown.items()]
    compile.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    family.compile = compile


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training settings of a family. `<player>_optimizer` is the optimizer of that player.

    Args:
        batch_size: Number of images per step, over all replicas; or `kerasgan.game.schedules.Stairs`.
        update: `"alternating"` (each phase sees the networks as the phases before it left them, as in the papers);
            `"alternating_shared"` (the same with one forward pass of the generator for all phases, as in DCGAN's code:
            the discriminator learns from its samples, and the generator from the updated discriminator's judgement of
            the same samples); or `"simultaneous"` (all phases start from the same point, with one forward pass).
        ema_half_life: Half-life of the generator's moving average, in images of the steps that train it: a number, or
            one of `kerasgan.game.schedules`. 0 for no average.
        ema_rampup: Largest half-life as a fraction of the images seen so far, so that the average forgets the initial
            weights early on.
        skip_nonfinite: Whether to skip and count a player's update if a gradient is NaN or infinite. Always true for
            float16.
        microbatch: Number of images, over all replicas, whose gradients are computed at once and accumulated, for
            batches that do not fit into memory: a divisor of `batch_size`. `None` for the whole batch. Layers that mix
            the samples of a batch (batch normalization, minibatch statistics) see only micro-batches.
    """

    batch_size: int | Stairs = 64
    microbatch: int | None = None
    update: str = "alternating"
    ema_half_life: float | Schedule = 10_000.0
    ema_rampup: float = 0.05
    skip_nonfinite: bool = False

    def __post_init__(self):
        if self.update not in UPDATES:
            raise ValueError(f"`update` is {self.update!r}; expected one of {', '.join(map(repr, UPDATES))}.")
        if not isinstance(self.batch_size, Stairs) and (not isinstance(self.batch_size, int) or self.batch_size < 1):
            raise ValueError(f"`batch_size` is {self.batch_size!r}; expected a positive integer.")
        if self.microbatch is not None and (not isinstance(self.microbatch, int) or self.microbatch < 1):
            raise ValueError(f"`microbatch` is {self.microbatch!r}; expected a positive integer or None.")
        if self.microbatch is not None and self.update == "alternating_shared":
            raise ValueError(
                "`microbatch` cannot be combined with update='alternating_shared', which keeps the generator's forward "
                "pass of the whole batch. Use update='alternating'."
            )

    @property
    def largest_batch(self):
        """The batch size, or the largest one of a changing batch size."""
        return self.batch_size.largest if isinstance(self.batch_size, Stairs) else self.batch_size

    def replace(self, **changes):
        """A copy with some fields changed.

        Raises:
            ValueError: For an unknown field; the message lists the available ones.
        """
        names = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise ValueError(f"The recipe has no {name!r}. It has: {', '.join(names)}.")
        return dataclasses.replace(self, **changes)

    def optimizers(self):
        """The players' optimizers, `{player: keras.optimizers.Optimizer}`: new ones, except for given instances."""
        return {
            field.name.removesuffix("_optimizer"): _made(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name.endswith("_optimizer")
        }

    @functools.cached_property
    def _specimens(self):
        """Optimizers for serialization, which are kept alive.

        Keras recognises objects that occur twice in a file by their address, and would confuse a new optimizer with a
        deleted one at the same address.
        """
        return {f"{player}_optimizer": optimizer for player, optimizer in self.optimizers().items()}

    def get_config(self):
        """The fields as JSON-ready values, objects in Keras' serialised form."""
        written = self.rules() | {name: _plain(value) for name, value in self._specimens.items()}
        return {field.name: written[field.name] for field in dataclasses.fields(self)}

    def rules(self):
        """The fields that losses can depend on: all except the optimizers."""
        names = [field.name for field in dataclasses.fields(self) if not field.name.endswith("_optimizer")]
        return {name: _plain(getattr(self, name)) for name in names}


def _made(value):
    if isinstance(value, (str, dict, Optimizer)):
        return keras.optimizers.get(optimizer_config(value))  # a copy, because Keras modifies its argument
    return keras.optimizers.get(value)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Optimizer):
        return _plain(value.make())
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value
