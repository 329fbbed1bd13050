"""Base classes of models that generate samples from noise and conditions.

`GenerativeModel` draws latents and samples; `LatentModel` trains its generator against a discriminator.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan import augment
from kerasgan.augment.packed import Packed, pack
from kerasgan.bases.latents import Normal, Uniform
from kerasgan.bases.own_networks import check_network, require_network
from kerasgan.data.description import class_numbers
from kerasgan.data.kinds import Conditions, Images, Labels, check_count, check_labels_vary, kind_of
from kerasgan.game.inference import Inference
from kerasgan.game.model import AdversarialModel
from kerasgan.game.phase import Phase, shared
from kerasgan.game.recipe import Adam, Recipe
from kerasgan.game.signals import observe_logits, probed
from kerasgan.layers.normalization import standing_statistics
from kerasgan.objectives import losses, penalties
from kerasgan.objectives.regularizers import lazy_adam


@keras.saving.register_keras_serializable(package="kerasgan")
class GenerativeModel(AdversarialModel):
    """A model that generates samples from latents and conditions, trained in any way.

    A family overrides `build_generator`, and defines its recipe and its losses or phases.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]; (size,) of vectors in any range; or another
            kind of samples (`kerasgan.data.kinds`), such as `Audio(16384)`.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        condition: Kind of a condition that is not a class, or a dictionary of kinds: `Captions(...)`,
            `{"labels": Labels(10), "attributes": Attributes(5)}`. Networks then have one input per condition, with the
            same name.
        **kwargs: Built Keras models to use instead of the family's, by their names in `parts`, such as `generator` with
            the inputs `latents` or [latents, labels]; and arguments of `AdversarialModel`.

    Attributes:
        parts: Names of the networks; each has a method `build_<name>`.
        averaged: Names of the networks that have a moving average.
        sample_kind: Kind of the samples (`kerasgan.data.kinds`).
        conditions: The `Conditions` of the model.
        prior: Distribution of the latents (`kerasgan.bases.latents`).
        sample_form: Form of the samples for data sets that offer several: "tokens" or "graphs". `None` for the default.
        truncation_of: What truncation applies to: "latents", "styles" of a mapping network, or the "temperature" of
            tokens.
    """

    generates = True
    sample_form: str | None = None
    truncation_of = "latents"
    forward_pass = ("generator", "generated")
    class_names: tuple[str, ...] = ()

    parts: tuple[str, ...] = ("generator",)
    averaged: tuple[str, ...] = ("generator",)

    def __init__(self, image_shape, latent_dim=100, latent_range=None, num_classes=None, condition=None, **kwargs):
        custom = {name: kwargs.pop(name, None) for name in self.parts}
        if latent_dim is not None:
            check_count("latent_dim", latent_dim)
        if num_classes is not None:
            check_count("num_classes", num_classes)
        super().__init__(**kwargs)
        self.sample_kind = kind_of(image_shape)
        self.image_shape = self.sample_kind.shape
        if condition is not None and num_classes is not None:
            raise ValueError(
                "`num_classes` and `condition` were both given. Pass only `condition`, with Labels(...) for the "
                "classes."
            )
        self.conditions = Conditions(Labels(num_classes) if num_classes else Conditions.from_config(condition))
        if num_classes is None and isinstance(self.conditions.spec, Labels):
            num_classes = self.conditions.spec.num_classes
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.latent_range = None if latent_range is None else tuple(latent_range)
        self.prior: Any = Normal(latent_dim) if latent_range is None else Uniform(latent_dim, *latent_range)
        self._custom = custom
        self.build_networks()

    def build_networks(self):
        """Adds the networks of `parts`, given or built, at the end of the constructor."""
        for name, given in self._custom.items():
            if given is not None:
                require_network(name, given)
        networks = {name: given or getattr(self, f"build_{name}")() for name, given in self._custom.items()}
        self.add_networks(averaged=self.averaged, **networks)

    def build_generator(self):
        """The family's generator, a built Keras model."""
        raise NotImplementedError(f"{type(self).__name__} must define build_generator() or be given a generator.")

    def condition_inputs(self):
        """Symbolic inputs of the conditions as a list, which is empty for an unconditional model."""
        return self.conditions.inputs()

    def compile(self, **arguments):
        self.check_own_networks({name: given for name, given in self._custom.items() if given is not None})
        super().compile(**arguments)

    def check_own_networks(self, given):
        """Raises an error unless the user's networks, `{name: network}`, fit the model."""
        if "generator" in given:
            samples = self.image_shape if type(self).finished is GenerativeModel.finished else None
            check_network("generator", given["generator"], (self.latent_dim,), list(self.conditions.kinds), samples)

    def data_specs(self):
        return self.sample_kind, self.conditions.spec

    def check_data(self, x, y=None):
        super().check_data(x, y)
        if self.num_classes and self.conditions.single:
            check_labels_vary(y, self.num_classes)

    # Training -------------------------------------------------------------------------------------------------------

    def real_condition(self, batch):
        """The conditions of the batch's real samples as a list of tensors."""
        return self.conditions.tensors(batch.y)

    def fake_condition(self, batch):
        """The conditions of the generated samples. By default those of the real ones, for equal distributions."""
        return self.real_condition(batch)

    def real_samples(self, batch):
        """The batch's real samples in the form that networks take."""
        return self.sample_kind.tensor(batch.x)

    def labels(self, batch):
        """The batch's labels, shape (batch,); `None` for an unconditional model."""
        return ops.reshape(batch.y, (-1,)) if self.num_classes else None

    @shared
    def latents(self, batch):
        """New latent vectors, one for each sample of the batch."""
        return self.draw_latents(ops.shape(keras.tree.flatten(batch.x)[0])[0], self.random)

    @shared
    def generated(self, batch):
        """Generated samples for the batch's conditions, from new latents."""
        inputs = self.inputs_of(self.latents(batch), *self.fake_condition(batch))
        return probed(self.generator(inputs, training=True))

    @staticmethod
    def inputs_of(first, *others):
        """The argument to call a network with: the first input alone, or a list with all others that are not `None`."""
        there = [other for other in others if other is not None]
        return [first, *there] if there else first

    # Samples --------------------------------------------------------------------------------------------------------

    def draw_latents(self, count, seed, truncation=None):
        """Latents of shape (count, latent_dim).

        Args:
            count: Number of latent vectors, an integer or a scalar tensor.
            seed: Seed as for `keras.random`.
            truncation: Truncation as for `sample`, a number or a scalar tensor.
        """
        return self.prior.draw(count, seed, truncation)

    @property
    def truncates(self):
        """Whether `sample` accepts a truncation."""
        return self.truncation_of != "latents" or getattr(self.prior, "truncates", False)

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        """The generator's inputs as a list; overridden by families with another network before the generator.

        Args:
            latents: Latents of shape (batch, latent_dim).
            *conditions: Conditions.
            truncation: Psi for models that truncate styles, a number or a tensor. `None` for no truncation.
            ema: Whether to use the averaged networks.
        """
        return [latents, *conditions]

    def finished(self, outputs):
        """The samples made from the generator's outputs in inference; overridden by families with other outputs."""
        return outputs

    def sampled(self, latents, *conditions, seed=0, strength=1.0, fixed=False, truncation=None):
        """Samples of the averaged generator as tensors; this method is traced for exports.

        Args:
            latents: Latents of shape (batch, latent_dim).
            *conditions: Conditions.
            seed: Seed of the noise, an integer or a scalar tensor.
            strength: Number or scalar tensor that the noise is multiplied by.
            fixed: Whether all samples share the same noise.
            truncation: See `generator_inputs`.
        """
        inputs = self.generator_inputs(latents, *conditions, truncation=truncation)
        return self.inference(self.ema_generator).graph(self.inputs_of(*inputs), seed, strength, fixed)

    def call(self, inputs, training=False):
        """Samples of the averaged generator from latents, or [latents, *conditions], with the noise of seed 0."""
        return self.sampled(*(inputs if isinstance(inputs, (list, tuple)) else [inputs]))

    def sample(
        self, count, seed=0, labels=None, *, truncation=None, noise="random", ema=True, batch_size=64, **conditions
    ):
        """Generates samples. The same seed gives the same samples in every process of the same engine.

        Args:
            count: Number of samples.
            seed: Non-negative integer.
            labels: Integers of shape (count,) for a class-conditional model, or class names if the model knows them.
                Defaults to cycling through 0, 1, 2, ...
            truncation: Trade-off between diversity and fidelity, for models with truncation (`truncates`): as it goes
                to 0, samples become more typical, so that fidelity rises and diversity falls. For normal latents, a
                threshold in standard deviations beyond which each number is redrawn; for models with styles, psi.
                `None` for no truncation.
            noise: Noise of the layers that add it: "random"; "fixed", the same for all samples; "none"; or a factor for
                random noise.
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of samples to process at once.
            **conditions: Values of other conditions by name, such as `captions=["a red circle"]`.

        Returns:
            A float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: For conditions or a truncation that do not fit the model or that it does not have, or for a
                negative seed or count.
        """
        inputs = self.sample_inputs(count, seed, truncation, labels=labels, **conditions)
        psi = truncation if self.truncation_of != "latents" else None
        return self.generate(inputs, ema, batch_size, seed=seed, noise=noise, truncation=psi)

    def sample_inputs(self, count, seed=0, truncation=None, **conditions):
        """Draws the latents and conditions of new samples, as a list.

        Args:
            count: Number of samples.
            seed: Non-negative integer.
            truncation: Truncation as for `sample`.
            **conditions: Values of conditions by name.
        """
        if not isinstance(count, (int, np.integer)) or count < 0:
            raise ValueError(f"`count` is {count!r}; expected an integer of 0 or more.")
        if int(seed) < 0:
            raise ValueError(f"`seed` is {seed}; expected an integer of 0 or more.")
        if truncation is not None and not self.truncates:
            raise ValueError(
                f"`truncation` was given, but the latents of {type(self).__name__} cannot be truncated. Leave it out."
            )
        if truncation is not None and not truncation >= 0:
            raise ValueError(f"`truncation` is {truncation!r}; expected a number of 0 or more.")
        labels = conditions.get("labels")
        if labels is not None and any(isinstance(label, str) for label in np.ravel(labels).tolist()):
            conditions["labels"] = class_numbers(labels, self.class_names, self.num_classes)
        given = self.conditions.given(count, **conditions)
        cut = truncation if self.truncation_of == "latents" else None
        return [self.draw_latents(count, int(seed), cut), *given]

    def generate(self, inputs, ema=True, batch_size=64, *, seed=0, noise="random", truncation=None):
        """Generates samples from given inputs, in batches.

        Args:
            inputs: Latents of shape (count, latent_dim), or [latents, *conditions].
            ema: Whether to use the averaged generator rather than the one being trained.
            batch_size: Number of samples to process at once.
            seed: Seed of the noise, for layers that add it.
            noise: See `sample`.
            truncation: Psi for models that truncate styles. `None` for no truncation.

        Returns:
            A float32 array of shape (count, *image_shape), images in [-1, 1].
        """
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        ready = self.generator_inputs(*given, truncation=truncation, ema=ema)
        return self.inference(self.ema_generator if ema else self.generator)(ready, seed, noise, batch_size)

    def read(self, network, samples, batch_size, conditions=()):
        """A network's outputs in inference, a float32 array, for real samples, which are checked, and conditions."""
        samples = np.asarray(samples)
        self.data_specs()[0].check(samples, "images")
        samples = ops.convert_to_tensor(samples.astype("float32"))
        return self.inference(network)([samples, *conditions], batch_size=batch_size)

    @functools.cached_property
    def _inferences(self):
        return {}

    def inference(self, network):
        """The `Inference` of one of the model's networks, cached."""
        if id(network) not in self._inferences:
            generates = network is self.generator or network is self.ema_generator
            self._inferences[id(network)] = Inference(network, self.finished if generates else None)
        return self._inferences[id(network)]

    def standing_statistics(self, truncation=None, batch_size=64, batches=100, seed=0):
        """Replaces the batch statistics of the averaged generator with means over batches of its samples.

        Samples with strong truncation are then normalized by their own statistics rather than by those of training
        (Brock et al. 2019, appendix D: "standing statistics"). Presets and exports written afterwards keep these
        statistics; further training mixes in the training statistics again. The labels of the batches are random.

        Args:
            truncation: Truncation of the samples to be drawn later, as for `sample`.
            batch_size: Number of samples in a batch.
            batches: Number of batches; 100 in the paper.
            seed: Seed of the latents and labels.

        Raises:
            ValueError: For a truncation that the model does not have, or if `batches` is 0.
        """
        draw = np.random.default_rng(seed).integers
        psi = truncation if self.truncation_of != "latents" else None

        def inputs(index):
            labels = {"labels": draw(self.num_classes, size=batch_size)} if self.num_classes else {}
            drawn = self.sample_inputs(batch_size, seed + index, truncation, **labels)
            return self.inputs_of(*self.generator_inputs(*drawn, truncation=psi))

        standing_statistics(self.ema_generator, map(inputs, range(batches)))

    def served(self):
        """Additional signatures of a SavedModel: `{signature: (network of images, name of its output)}`."""
        return {}

    # Serialisation --------------------------------------------------------------------------------------------------

    def get_config(self):
        own: dict = {k: keras.saving.serialize_keras_object(v) for k, v in self._custom.items() if v is not None}
        if type(self.sample_kind).__name__ not in ("Images", "Vectors"):
            own["image_shape"] = keras.saving.serialize_keras_object(self.sample_kind)
        if self.conditions and not (self.conditions.single and isinstance(self.conditions.spec, Labels)):
            own["condition"] = self.conditions.config()
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in cls.parts
            if config.get(name) is not None
        }
        if isinstance(config.get("image_shape"), dict):
            config = {**config, "image_shape": keras.saving.deserialize_keras_object(config["image_shape"])}
        return cls(**{**config, **networks})

    @staticmethod
    def scale_steps(size, smallest=4, at_least=2):
        """Number of times a size can be halved: down to `smallest` or more, and at least `at_least` times.

        Args:
            size: Number of pixels.
            smallest: Smallest size, unless more halvings are needed for `at_least`.
            at_least: Smallest number of halvings.

        Raises:
            ValueError: If the size cannot be halved `at_least` times.
        """
        steps = 0
        while size % 2 == 0 and (size // 2 >= smallest or steps < at_least):
            size, steps = size // 2, steps + 1
        if steps < at_least:
            raise ValueError(f"The image size must be a multiple of {2**at_least}, got {size * 2**steps}.")
        return steps

    @classmethod
    def halvings(cls, image_shape, smallest=4, at_least=2):
        """Number of times both sides of images can be halved; see `scale_steps`.

        Args:
            image_shape: Shape (height, width, channels) of images.
            smallest: See `scale_steps`.
            at_least: See `scale_steps`.

        Raises:
            ValueError: If they cannot be halved `at_least` times, or if `image_shape` is not the shape of an image.
        """
        return min(cls.scale_steps(size, smallest, at_least) for size in Images(image_shape).shape[:2])

    def export(self, folder):
        """Writes a SavedModel for TensorFlow Serving: see `kerasgan.export.export_saved_model`."""
        from kerasgan.export import export_saved_model

        export_saved_model(self, folder)


@dataclasses.dataclass(frozen=True)
class LatentRecipe(Recipe):
    """Training settings of a generator against a discriminator.

    Args:
        loss: `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        penalties: `kerasgan.penalties` on the discriminator; those with an interval are separate phases.
        views: Augmentation of all samples that the discriminator sees (`kerasgan.augment`): "ada", "diffaugment",
            "diffaugment:color,translation", "augment:0.2", or instances such as `Adaptive(target=0.6)`.
        clip_weights: Bound of the discriminator's weights, which are clipped to plus and minus this value after each
            update. `None` for no bound.
        generator_every: Number of discriminator updates for each generator update (n_critic).
        lazy_correction: Whether to correct the Adam of a player with a lazy penalty of interval k: its learning rate
            and decays become c lr, beta_1 ** c and beta_2 ** c with c = k / (k + 1) (Karras et al. 2020, appendix B).
        discriminator_optimizer: Optimizer of the discriminator, or its configuration.
        generator_optimizer: Optimizer of the generator, or its configuration.
    """

    loss: Any = "non_saturating"
    penalties: tuple = ()
    views: tuple = ()
    clip_weights: float | None = None
    generator_every: int = 1
    lazy_correction: bool = True
    discriminator_optimizer: Any = Adam(2e-4, beta_1=0.5)
    generator_optimizer: Any = Adam(2e-4, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class LatentModel(GenerativeModel):
    """A generator of samples from latents and conditions, trained against a discriminator of samples and conditions.

    A family overrides `build_generator` and `build_discriminator` and defines its recipe.

    Args:
        image_shape: See `GenerativeModel`.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        packing: Number of samples that the discriminator judges together (PacGAN: Lin et al. 2018, section 3). Batches
            are cut into packs, so that the batch size must be a multiple of `packing`. Penalties treat a pack as one
            sample.
        generator: Built Keras model to use instead of the family's, with the inputs `latents` or [latents, conditions].
        discriminator: Built Keras model to use instead of the family's, with the inputs `images` of `pack_shape`, or
            [images, conditions]; it outputs logits, without an activation.
        **kwargs: Arguments of `GenerativeModel`.
    """

    recipe = LatentRecipe()
    parts: tuple[str, ...] = ("generator", "discriminator")
    views: tuple = ()
    discriminator_sees_conditions = True
    _view_states: Sequence[str] = ()

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        latent_range=None,
        num_classes=None,
        packing=1,
        generator=None,
        discriminator=None,
        **kwargs,
    ):
        if not isinstance(packing, int) or packing < 1:
            raise ValueError(f"`packing` is {packing!r}; expected 1 (no packing), 2, 3, ...")
        self.packing = packing
        networks = {"generator": generator, "discriminator": discriminator}
        mine = {name: given for name, given in networks.items() if given is not None or name in self.parts}
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **mine, **kwargs)

    def build_discriminator(self):
        """The family's discriminator, a built Keras model."""
        raise NotImplementedError(f"{type(self).__name__} must define build_discriminator() or be given one.")

    @property
    def pack_shape(self):
        """Shape of the discriminator's input: `image_shape` with the last axis `packing` times as long."""
        return (*self.image_shape[:-1], self.packing * self.image_shape[-1])

    def condition_inputs(self, packed=False):
        """See `GenerativeModel.condition_inputs`.

        Args:
            packed: Whether the inputs are those of the discriminator, which judges `packing` samples together: labels
                then have shape (packing,).
        """
        if packed and self.packing > 1 and set(self.conditions.kinds) - {"labels"}:
            raise ValueError(
                f"`packing` is {self.packing}, but packing supports only unconditional and class-conditional models."
            )
        return self.conditions.inputs(self.packing if packed else 1)

    def compile(self, **arguments):
        super().compile(**arguments)
        for name in (name for name in self.networks if name.startswith("discriminator")):
            network, before = self.networks[name], self._clips.pop(name, None)
            for variable in network.variables:
                if before is not None and variable.constraint is before:  # from an earlier compile(), not the user's
                    variable.constraint = None
            if self.recipe.clip_weights is not None:
                self._clips[name] = penalties.clip_weights(network, self.recipe.clip_weights)

    def check_own_networks(self, given):
        super().check_own_networks(given)
        if "discriminator" in given:
            told = self.conditions.kinds if self.discriminator_sees_conditions else ()
            check_network("discriminator", given["discriminator"], self.pack_shape, list(told))

    @functools.cached_property
    def _clips(self):
        return {}

    # The game -------------------------------------------------------------------------------------------------------

    @property
    def adversarial_loss(self):
        """The recipe's loss."""
        return losses.get(self.recipe.loss)

    def chosen_penalties(self):
        """The recipe's penalties."""
        given = self.recipe.penalties
        return [penalties.get(penalty) for penalty in (given if isinstance(given, (tuple, list)) else (given,))]

    def optimizers(self):
        players = super().optimizers()
        intervals = [penalty.interval for penalty in self.chosen_penalties() if penalty.interval > 1]
        if intervals and self.recipe.lazy_correction and "discriminator" in players:
            players["discriminator"] = lazy_adam(players["discriminator"], min(intervals))
        return players

    def phases(self):
        self.views = self._built_views()
        chosen = self.chosen_penalties()
        self.penalties = [penalty for penalty in chosen if penalty.interval == 1]
        discriminator, generator = super().phases()
        discriminator = dataclasses.replace(discriminator, keeps=(*discriminator.keeps, *self._view_states))
        lazy = tuple(
            Phase(
                penalty.name,
                discriminator.trains,
                functools.partial(self.lazy_penalty, penalty=penalty),
                discriminator.optimizer,
                every=penalty.interval,
            )
            for penalty in chosen
            if penalty.interval > 1
        )
        return discriminator, *lazy, dataclasses.replace(generator, every=self.recipe.generator_every)

    def _built_views(self):
        """The recipe's views, built; their states belong to the model."""
        given = self.recipe.views
        chosen = [augment.get(view) for view in (given if isinstance(given, (tuple, list)) else (given,))]
        self._view_states = []
        for view in chosen:
            view.check(self.image_shape)
            if type(view).observe is not augment.View.observe and self.adversarial_loss.boundary is None:
                raise ValueError(
                    f"The view {type(view).__name__} follows the sign of the discriminator's logits, which is "
                    f"meaningless for the loss {self.recipe.loss!r}. Use a fixed probability instead: "
                    "views=('augment:0.2',)."
                )
            if view.group > 1:
                raise ValueError(
                    f"The view {view} packs samples, so the discriminator must be built for packs: pass "
                    f"packing={view.group} to {type(self).__name__} instead."
                )

        def add_state(name, shape=(), initializer="zeros"):
            name = f"view_{name}_{len(self._view_states)}"
            if name not in self.states:
                self.add_state(**{name: shape})
                variable = getattr(self, name)
                variable.assign(keras.initializers.get(initializer)(shape, dtype="float32"))
            self._view_states = [*self._view_states, name]
            return getattr(self, name)

        with self.scope():
            return tuple(view.build(add_state) for view in chosen)

    @property
    def lasting_states(self):
        return [name for name in super().lasting_states if name not in self._view_states]

    def discriminator_loss(self, batch):
        real, fake = self.real_logits(batch), self.fake_logits(batch)
        observe_logits(real, fake, self.adversarial_loss.boundary)
        logs = {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake), **self.observe_reals(batch, real)}
        loss = self.adversarial_loss.discriminator(real, fake, self.pack_weight(batch), self.fake_weight(batch))
        for penalty in self.penalties:
            logs[penalty.name] = self.penalty(penalty, batch)
            loss = loss + ops.cast(logs[penalty.name], loss.dtype)
        return loss, logs

    def observe_reals(self, batch, real_logits):
        """Passes the logits of real samples to the views and returns the views' logs."""
        count = ops.shape(keras.tree.flatten(batch.x)[0])[0]
        boundary = self.adversarial_loss.boundary or 0.0
        for view in self.views:
            view.observe(real_logits - boundary, count)
        return {name: value for view in self.views for name, value in view.logs().items()}

    def generator_loss(self, batch):
        real = self.real_logits(batch) if self.adversarial_loss.compares else None
        weights = self.fake_weight(batch), self.pack_weight(batch)
        return self.adversarial_loss.generator(self.fake_logits(batch), real, *weights), {}

    def lazy_penalty(self, batch, penalty):
        """A lazy penalty: runs every `interval` steps, multiplied by `interval` (Karras et al. 2020, section 3.1)."""
        return penalty.interval * self.penalty(penalty, batch), {}

    def penalty(self, penalty, batch):
        """The value of a penalty on the discriminator for a batch, whose samples all have equal weight."""
        conditions = self.real_condition(batch)
        fake = ops.stop_gradient(pack(self.generated(batch), self.packing))  # no cost if the penalty does not use it
        return penalty(
            lambda x: self.judge(self.unpack(x), *conditions),
            pack(self.real_samples(batch), self.packing),
            fake,
            seed=self.random,
            images_seen=self.images_seen,
        )

    @shared
    def fake_logits(self, batch):
        """The discriminator's logits for generated samples, one per pack."""
        return self.judge(self.generated(batch), *self.fake_condition(batch))

    def real_logits(self, batch):
        """The discriminator's logits for real samples, one per pack."""
        return self.judge(self.real_samples(batch), *self.real_condition(batch))

    def judge(self, samples, *conditions):
        """The discriminator's logits for samples, in training, after the views. Every loss uses this method.

        Args:
            samples: Real or generated samples, shape (batch, ...).
            *conditions: Their conditions, tensors or `None`.

        Returns:
            Logits, one per sample or per pack of `packing` samples.
        """
        return self.discriminate(*self.viewed(samples, *conditions))

    def viewed(self, samples, *conditions):
        """(samples, *conditions) as the discriminator receives them: after the views, and packed."""
        shown = (samples, *conditions)
        for view in self.views:
            shown = view(*shown, seed=self.random, images_seen=self.images_seen)
        return Packed(self.packing)(*shown)

    def discriminate(self, samples, *conditions):
        """The discriminator's logits in training for viewed and packed samples. Losses call `judge` instead."""
        return self.discriminator(self.inputs_of(samples, *conditions), training=True)

    def pack(self, samples):
        """Joins each `packing` neighbours of a batch along the last axis, giving samples of shape `pack_shape`."""
        return pack(samples, self.packing)

    def unpack(self, packs):
        """Splits packs into samples of shape (batch, ...), the inverse of `kerasgan.augment.packed.pack`."""
        if self.packing == 1:
            return packs
        *place, depth = packs.shape[1:]
        x = ops.reshape(packs, (-1, *place, self.packing, depth // self.packing))
        return ops.reshape(ops.moveaxis(x, -2, 1), (-1, *place, depth // self.packing))

    def pack_weight(self, batch):
        """Weights of the batch's packs, shape (packs,): the means of their samples' weights. `None` without weights."""
        return Packed(self.packing).weights(batch.sample_weight)

    def fake_weight(self, batch):
        """Weights of the generated packs: those of the real packs with the same conditions, or `None`."""
        return self.pack_weight(batch) if self.conditions else None
