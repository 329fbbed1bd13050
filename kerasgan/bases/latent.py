"""Models that turn noise, and labels where there are any, into samples: the common part of the latent families.

`GenerativeModel` draws latents and samples, `LatentModel` trains its generator against a discriminator.
"""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds import Images, Labels, Vectors, check_labels_vary
from kerasgan.game.engines import compiled_call
from kerasgan.game.model import AdversarialModel
from kerasgan.game.phase import Phase, shared
from kerasgan.game.recipe import Recipe, optimizer
from kerasgan.game.signals import observe_logits, probed
from kerasgan.objectives import losses, penalties


@keras.saving.register_keras_serializable(package="kerasgan")
class GenerativeModel(AdversarialModel):
    """A generator of samples from latents [and labels], however it is trained.

    A family overrides `build_generator`, and states its recipe and its losses or phases.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1], or (size,) for vectors of any range.
        latent_dim: length of the latent vectors.
        latent_range: (low, high) of uniform latents; None for standard normal ones.
        num_classes: number of classes of a conditional model; None for an unconditional one.
        **kwargs: built Keras models to use instead of the family's, by their names in `parts`: `generator` with the
            inputs `latents`, or [latents, labels]; and as for `AdversarialModel`.

    Attributes:
        parts: names of the networks; each has a method `build_<name>`.
        averaged: names of those of which a moving average is kept.
    """

    parts: tuple[str, ...] = ("generator",)
    averaged: tuple[str, ...] = ("generator",)

    def __init__(self, image_shape, latent_dim=100, latent_range=None, num_classes=None, **kwargs):
        custom = {name: kwargs.pop(name, None) for name in self.parts}
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape) if len(image_shape) == 1 else Images(image_shape).shape
        self.latent_dim, self.num_classes = latent_dim, num_classes
        self.latent_range = None if latent_range is None else tuple(latent_range)
        self._custom = custom
        self.build_networks()

    def build_networks(self):
        """Takes the networks into the game, at the end of the constructor: those of `parts`, given or built."""
        networks = {name: given or getattr(self, f"build_{name}")() for name, given in self._custom.items()}
        self.add_networks(averaged=self.averaged, **networks)

    def build_generator(self):
        """The family's generator, a built Keras model."""
        raise NotImplementedError(f"{type(self).__name__} must define build_generator() or be given a generator.")

    def label_input(self):
        """A symbolic input of integer labels, in a list; an empty one for an unconditional model."""
        return [keras.Input((), dtype="int32", name="labels")] if self.num_classes else []

    def data_specs(self):
        spec = Images(self.image_shape) if len(self.image_shape) == 3 else Vectors(*self.image_shape)
        return spec, Labels(self.num_classes) if self.num_classes else None

    def check_data(self, x, y=None):
        super().check_data(x, y)
        if self.num_classes:
            check_labels_vary(y, self.num_classes)

    # Training -------------------------------------------------------------------------------------------------------

    def labels(self, batch):
        """The batch's labels, shape (batch,). They also serve the generated samples, so that the marginals agree."""
        return ops.reshape(batch.y, (-1,)) if self.num_classes else None

    @shared
    def latents(self, batch):
        """New latents, one for each of the batch's samples."""
        return self.draw_latents(ops.shape(batch.x)[0], self.random)

    @shared
    def generated(self, batch):
        """Generated samples for the batch's labels, from new latents."""
        return probed(self.generator(self._inputs(self.latents(batch), self.labels(batch)), training=True))

    @staticmethod
    def _inputs(first, labels):
        return first if labels is None else [first, labels]

    # Samples --------------------------------------------------------------------------------------------------------

    def draw_latents(self, count, seed):
        """Latents of shape (count, latent_dim); `seed` as for `keras.random`."""
        shape = (count, self.latent_dim)
        if self.latent_range is None:
            return keras.random.normal(shape, seed=seed)
        return keras.random.uniform(shape, *self.latent_range, seed=seed)

    def call(self, inputs, training=False):
        """Samples of the averaged generator for latents, or [latents, labels]."""
        return self.ema_generator(inputs, training=False)

    def sample(self, count, seed=0, labels=None, ema=True, batch_size=64):
        """Generated samples; the same seed gives the same ones in every process of the same engine.

        Args:
            count: how many.
            seed: integer, 0 or more.
            labels: integers of shape (count,) for a conditional model; by default 0, 1, 2, ... around.
            ema: use the averaged generator, else the one in training.
            batch_size: how many are computed at once.

        Returns:
            float32 array of shape (count, *image_shape), images in [-1, 1].

        Raises:
            ValueError: for labels to an unconditional model, labels that do not fit, or a negative seed.
        """
        return self.generate(self._sample_inputs(count, seed, labels), ema, batch_size)

    def generate(self, inputs, ema=True, batch_size=64):
        """The generator's samples for given inputs, computed in batches.

        Args:
            inputs: latents of shape (count, latent_dim), or [latents, labels].
            ema: use the averaged generator, else the one in training.
            batch_size: how many are computed at once.

        Returns:
            float32 array of shape (count, *image_shape), images in [-1, 1].
        """
        return self._in_batches(self.ema_generator if ema else self.generator, inputs, batch_size)

    def _in_batches(self, network, inputs, batch_size):
        """Outputs of a network in inference for a tensor or a list of tensors: a float32 array."""
        call, values = self._compiled(network), inputs if isinstance(inputs, list) else [inputs]
        chunks = []
        for start in range(0, len(values[0]), batch_size):
            part = [value[start : start + batch_size] for value in values]
            images = call(part if len(part) > 1 else part[0])
            chunks.append(ops.convert_to_numpy(ops.cast(images, "float32")))
        if chunks:
            return np.concatenate(chunks)
        shapes = [tuple(value.shape) for value in values]
        return np.zeros(network.compute_output_shape(shapes if len(shapes) > 1 else shapes[0]), "float32")

    def _read(self, network, images, batch_size, labels=()):
        """Outputs of a network in inference for real images, which are checked [, and labels]: a float32 array."""
        images = np.asarray(images)
        self.data_specs()[0].check(images, "images")
        return self._in_batches(network, [ops.convert_to_tensor(images.astype("float32")), *labels], batch_size)

    def _sample_inputs(self, count, seed, labels):
        """New latents in a list, and labels where there are any."""
        if int(seed) < 0:
            raise ValueError(f"seed is {seed}, expected an integer of 0 or more.")
        self._refuse_labels(labels)
        latents = self.draw_latents(count, int(seed))
        return [latents, self._sample_labels(count, labels)] if self.num_classes else [latents]

    def _refuse_labels(self, labels):
        if labels is not None and self.num_classes is None:
            raise ValueError("labels were given, but the model is unconditional. Leave them out, or set num_classes.")

    def _sample_labels(self, count, labels):
        if labels is None:
            labels = np.arange(count) % self.num_classes
        labels = np.asarray(labels)
        if labels.shape != (count,):
            raise ValueError(f"labels have shape {labels.shape}, expected ({count},): one for each sample.")
        Labels(self.num_classes).check(labels, "labels")
        return ops.convert_to_tensor(labels.astype("int32"))

    @functools.cached_property
    def _calls(self):
        return {}

    def _compiled(self, network):
        """The inference of one of the model's networks as a compiled function, which is kept."""
        if id(network) not in self._calls:
            self._calls[id(network)] = compiled_call(network)
        return self._calls[id(network)]

    def served(self):
        """What a SavedModel serves besides samples: `{signature: (network of images, name of its output)}`."""
        return {}

    # Serialisation --------------------------------------------------------------------------------------------------

    def get_config(self):
        custom = {k: keras.saving.serialize_keras_object(v) for k, v in self._custom.items() if v is not None}
        return {
            **super().get_config(),
            "image_shape": self.image_shape,
            "latent_dim": self.latent_dim,
            "latent_range": self.latent_range,
            "num_classes": self.num_classes,
            **custom,
        }

    @classmethod
    def from_config(cls, config):
        networks = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in cls.parts
            if config.get(name) is not None
        }
        return cls(**{**config, **networks})

    @staticmethod
    def scale_steps(size, smallest=4, at_least=2):
        """How often a size can be halved: down to `smallest` or more, and `at_least` times.

        Raises:
            ValueError: if the size cannot be halved that often.
        """
        steps = 0
        while size % 2 == 0 and (size // 2 >= smallest or steps < at_least):
            size, steps = size // 2, steps + 1
        if steps < at_least:
            raise ValueError(f"The image size must be a multiple of {2**at_least}, got {size * 2**steps}.")
        return steps

    @classmethod
    def halvings(cls, image_shape, smallest=4, at_least=2):
        """How often both sides of images can be halved, as `scale_steps` says of one.

        Raises:
            ValueError: if they cannot be halved that often, or for another shape than (height, width, channels).
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
        loss: a `kerasgan.losses.AdversarialLoss`, its name or its configuration.
        penalties: `kerasgan.penalties` on the discriminator; those with an interval become phases of their own.
        clip_weights: the discriminator's weights are kept within plus and minus this after each update; None: not.
        generator_every: discriminator updates for each generator update (n_critic).
        discriminator_optimizer: optimizer, or its configuration.
        generator_optimizer: likewise.
    """

    loss: Any = "non_saturating"
    penalties: tuple = ()
    clip_weights: float | None = None
    generator_every: int = 1
    discriminator_optimizer: Any = dataclasses.field(
        default_factory=functools.partial(optimizer, "adam", learning_rate=2e-4, beta_1=0.5)
    )
    generator_optimizer: Any = dataclasses.field(
        default_factory=functools.partial(optimizer, "adam", learning_rate=2e-4, beta_1=0.5)
    )


@keras.saving.register_keras_serializable(package="kerasgan")
class LatentModel(GenerativeModel):
    """A generator of samples from latents [and labels] against a discriminator of samples [and labels].

    A family overrides `build_generator` and `build_discriminator` and states its recipe.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1], or (size,) for vectors of any range.
        latent_dim: length of the latent vectors.
        latent_range: (low, high) of uniform latents; None for standard normal ones.
        num_classes: number of classes of a conditional model; None for an unconditional one.
        packing: how many samples the discriminator judges together (PacGAN: Lin et al. 2018, section 3); a batch is cut
            into packs, so its size must be a multiple of it. Penalties see a pack as one sample.
        generator: a built Keras model to use instead of the family's: inputs `latents`, or [latents, labels].
        discriminator: likewise: inputs `images` of `pack_shape`, or [images, labels]; output logits, no activation.
        **kwargs: as for `AdversarialModel`.
    """

    recipe = LatentRecipe()
    parts: tuple[str, ...] = ("generator", "discriminator")

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
            raise ValueError(f"packing is {packing!r}, expected 1 (no packing), 2, 3, ...")
        self.packing = packing
        networks = {"generator": generator, "discriminator": discriminator}
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **networks, **kwargs)

    def build_discriminator(self):
        """The family's discriminator, a built Keras model."""
        raise NotImplementedError(f"{type(self).__name__} must define build_discriminator() or be given one.")

    @property
    def pack_shape(self):
        """Shape of what the discriminator judges: `image_shape`, its last axis `packing` times as long."""
        return (*self.image_shape[:-1], self.packing * self.image_shape[-1])

    def label_input(self, packed=False):
        """As `GenerativeModel.label_input`.

        Args:
            packed: for the discriminator: where it judges several samples together, their labels, shape (packing,).
        """
        if packed and self.packing > 1 and self.num_classes:
            return [keras.Input((self.packing,), dtype="int32", name="labels")]
        return super().label_input()

    def compile(self, **arguments):
        super().compile(**arguments)
        for name in (name for name in self.networks if name.startswith("discriminator")):
            network, before = self.networks[name], self._clips.pop(name, None)
            for variable in network.variables:
                if before is not None and variable.constraint is before:  # of an earlier compile(), not the user's own
                    variable.constraint = None
            if self.recipe.clip_weights is not None:
                self._clips[name] = penalties.clip_weights(network, self.recipe.clip_weights)

    @functools.cached_property
    def _clips(self):
        return {}

    # The game -------------------------------------------------------------------------------------------------------

    @property
    def adversarial_loss(self):
        """The recipe's loss."""
        return losses.get(self.recipe.loss)

    def phases(self):
        given = self.recipe.penalties
        chosen = [penalties.get(penalty) for penalty in (given if isinstance(given, (tuple, list)) else (given,))]
        self.penalties = [penalty for penalty in chosen if penalty.interval == 1]
        discriminator, generator = super().phases()
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

    def discriminator_loss(self, batch):
        real, fake = self.real_logits(batch), self.fake_logits(batch)
        observe_logits(real, fake, self.adversarial_loss.boundary)
        loss = self.adversarial_loss.discriminator(real, fake, self.pack_weight(batch), self.fake_weight(batch))
        logs = {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake)}
        for penalty in self.penalties:
            logs[penalty.name] = self.penalty(penalty, batch)
            loss = loss + ops.cast(logs[penalty.name], loss.dtype)
        return loss, logs

    def generator_loss(self, batch):
        real = self.real_logits(batch) if self.adversarial_loss.compares else None
        weights = self.fake_weight(batch), self.pack_weight(batch)
        return self.adversarial_loss.generator(self.fake_logits(batch), real, *weights), {}

    def lazy_penalty(self, batch, penalty):
        """A penalty that runs at intervals, as much stronger (Karras et al. 2020, section 3.1)."""
        return penalty.interval * self.penalty(penalty, batch), {}

    def penalty(self, penalty, batch):
        """The value of a penalty on the discriminator at a batch, whose samples all weigh alike in it."""
        labels = self.pack_labels(batch)
        fake = ops.stop_gradient(self.pack(self.generated(batch)))  # free where the penalty does not look at it
        return penalty(
            lambda x: self.discriminate(x, labels),
            self.pack(batch.x),
            fake,
            seed=self.random,
            images_seen=self.images_seen,
        )

    @shared
    def fake_logits(self, batch):
        """The discriminator's logits for generated samples, one for each pack."""
        return self.discriminate(self.pack(self.generated(batch)), self.pack_labels(batch))

    def real_logits(self, batch):
        """The discriminator's logits for real samples, one for each pack."""
        return self.discriminate(self.pack(batch.x), self.pack_labels(batch))

    def pack(self, samples):
        """Neighbours of a batch, `packing` at a time, side by side along the last axis."""
        if self.packing == 1:
            return samples
        count = samples.shape[0]
        if count is not None and count % self.packing:
            raise ValueError(
                f"A batch of {count} samples (on each replica) cannot be cut into packs of {self.packing}. "
                f"Choose a batch size that is a multiple of packing on each replica."
            )
        *place, depth = samples.shape[1:]
        x = ops.reshape(samples, (-1, self.packing, *place, depth))
        return ops.reshape(ops.moveaxis(x, 1, -2), (-1, *place, self.packing * depth))

    def pack_weight(self, batch):
        """The weights of the batch's packs, shape (packs,): the mean of their samples'; None for none."""
        weight = batch.sample_weight
        if weight is None or self.packing == 1:
            return weight
        return ops.mean(self.pack(ops.reshape(weight, (-1, 1))), axis=-1)

    def fake_weight(self, batch):
        """The weights of the generated samples' packs: those of the real ones whose labels they have, else None."""
        return self.pack_weight(batch) if self.num_classes else None

    def pack_labels(self, batch):
        """The batch's labels as the discriminator takes them: shape (batch,), or (packs, packing)."""
        labels = self.labels(batch)
        return labels if labels is None or self.packing == 1 else ops.reshape(labels, (-1, self.packing))

    def discriminate(self, images, labels=None):
        """The discriminator's logits in training."""
        return self.discriminator(self._inputs(images, labels), training=True)

    def get_config(self):
        return {**super().get_config(), "packing": self.packing}
