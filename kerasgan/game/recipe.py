"""Training recipes as data: what `compile()` uses when nothing is said, printable and overridable field by field."""

import dataclasses
import difflib
import functools
import inspect

import keras

from kerasgan.game.schedules import Schedule, Stairs


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """An optimizer as a value: a recipe holds it, and each `compile()` makes a new Keras optimizer of it.

    Args:
        class_name: Name of a Keras optimizer, such as "adam", or of a registered one.
        config: Its constructor arguments.
    """

    class_name: str
    config: dict

    def make(self):
        """A new Keras optimizer."""
        return _optimizer_from({"class_name": self.class_name, "config": self.config})


def _given(**arguments):
    return {name: value for name, value in arguments.items() if value is not None}


def Adam(learning_rate, beta_1=None, beta_2=None, epsilon=None):
    """`keras.optimizers.Adam` as a value; learning rate and second decay may be `kerasgan.game.schedules`.

    Args:
        learning_rate: Learning rate, a number or a schedule.
        beta_1: Decay of the first moment; Keras' default where it is `None`, and so for the others.
        beta_2: Decay of the second moment, a number or a schedule.
        epsilon: Number that is added to the square root of the second moment.
    """
    config = _given(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
    if any(isinstance(value, Schedule) for value in config.values()):
        return Optimizer("kerasgan>ScheduledAdam", config)
    return Optimizer("adam", config)


def RMSprop(learning_rate, rho=None, momentum=None, epsilon=None):
    """`keras.optimizers.RMSprop` as a value.

    Args:
        learning_rate: Learning rate.
        rho: Decay of the mean square; Keras' default where it is `None`, and so for the others.
        momentum: Momentum.
        epsilon: Number that is added under the square root: Keras divides by sqrt(v + epsilon), Torch by
            sqrt(v) + epsilon.
    """
    return Optimizer("rmsprop", _given(learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon))


def SGD(learning_rate, momentum=None):
    """`keras.optimizers.SGD` as a value.

    Args:
        learning_rate: Learning rate.
        momentum: Momentum; 0 by default.
    """
    return Optimizer("sgd", _given(learning_rate=learning_rate, momentum=momentum))


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


def optimizer(class_name, **config):
    """The configuration of a Keras optimizer, as a recipe holds it: a fresh optimizer is made of it in `compile()`.

    Args:
        class_name: name of a Keras optimizer, e.g. `"adam"`, or of a registered one.
        **config: its constructor arguments.

    Returns:
        A dictionary that `keras.optimizers.get` understands.
    """
    return {"class_name": class_name, "config": config}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a family is trained. A field that ends in `_optimizer` belongs to the player before the ending.

    Args:
        batch_size: Number of images in a step, over all replicas; or `kerasgan.game.schedules.Stairs`.
        update: `"alternating"` (each phase sees the networks as the phases before it left them, as in the papers) or
            `"simultaneous"` (all phases start from the same point; one forward pass of the generator feeds all).
        ema_half_life: half-life of the moving average of the generator, in images of the steps in which it is
            trained; 0 switches averaging off. A number or one of `kerasgan.game.schedules`.
        ema_rampup: the half-life is at most this share of the images seen so far (1 or more images of warm start
            would otherwise keep the random initial weights in the average for long).
        skip_nonfinite: leave out a player's update where a gradient is NaN or infinite, and count it, instead of
            spoiling the weights. In float16 it is always so.
        microbatch: Number of images, over all replicas, whose gradients are computed at once and accumulated, for
            batches that do not fit into memory: a divisor of `batch_size`. `None` for the whole batch. Layers that mix
            the samples of a batch (batch normalization, minibatch statistics) see micro-batches.
    """

    batch_size: int | Stairs = 64
    microbatch: int | None = None
    update: str = "alternating"
    ema_half_life: float | Schedule = 10_000.0
    ema_rampup: float = 0.05
    skip_nonfinite: bool = False

    def __post_init__(self):
        if self.update not in ("alternating", "simultaneous"):
            raise ValueError(f"update is {self.update!r}, expected 'alternating' or 'simultaneous'.")
        if not isinstance(self.batch_size, Stairs) and (not isinstance(self.batch_size, int) or self.batch_size < 1):
            raise ValueError(f"batch_size is {self.batch_size!r}, expected a positive integer.")
        if self.microbatch is not None and (not isinstance(self.microbatch, int) or self.microbatch < 1):
            raise ValueError(f"`microbatch` is {self.microbatch!r}; expected a positive integer or None.")

    @property
    def largest_batch(self):
        """The batch size; the largest one where it changes."""
        return self.batch_size.largest if isinstance(self.batch_size, Stairs) else self.batch_size

    def replace(self, **changes):
        """A copy with some fields changed.

        Raises:
            ValueError: for a field that the recipe does not have; the message lists those it has.
        """
        names = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise ValueError(f"The recipe has no {name!r}. It has: {', '.join(names)}.")
        return dataclasses.replace(self, **changes)

    def optimizers(self):
        """The players' optimizers: `{player: keras.optimizers.Optimizer}`; new ones wherever the recipe says how."""
        return {
            field.name.removesuffix("_optimizer"): _optimizer_from(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name.endswith("_optimizer")
        }

    @functools.cached_property
    def _specimens(self):
        """Optimizers to write down. They live on: one made where another has just died would be taken for it, because
        Keras knows an object that occurs twice in a file by its address."""
        return {f"{player}_optimizer": optimizer for player, optimizer in self.optimizers().items()}

    def get_config(self):
        """The fields as JSON-ready values, objects in Keras' serialised form."""
        written = self.rules() | {name: _plain(value) for name, value in self._specimens.items()}
        return {field.name: written[field.name] for field in dataclasses.fields(self)}

    def rules(self):
        """The same of all fields but the optimizers: what the losses can depend on."""
        names = [field.name for field in dataclasses.fields(self) if not field.name.endswith("_optimizer")]
        return {name: _plain(getattr(self, name)) for name in names}


def _optimizer_from(value):
    if isinstance(value, Optimizer):
        value = {"class_name": value.class_name, "config": value.config}
    if isinstance(value, dict):  # a copy: Keras takes what it is given apart
        value = {**value, "config": {**value["config"]}}
    return keras.optimizers.get(value)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Optimizer):
        return _plain(value.make())
    if hasattr(value, "get_config"):
        return keras.saving.serialize_keras_object(value)
    return value
