"""Age-cGAN (Antipov, Baccouche & Dugelay 2017, "Face Aging with Conditional Generative Adversarial Networks")."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.encoding import EncodingModel
from kerasgan.data.description import class_numbers
from kerasgan.game.engines import gradients
from kerasgan.game.phase import Kimg, Phase, shared
from kerasgan.game.recipe import Adam
from kerasgan.layers import Conv2D, OneHot, batch_normalization, normal, strided_convolutions, text_plane
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.models.dcgan import DCGAN, SCALE_STDDEV, DCGANRecipe
from kerasgan.objectives.losses import at_least_float32, weighted_mean

PRESERVE = ("identity", "pixels", "nothing")
BOUND = 3.0  # standard deviations that optimised latents may reach
TEMPERATURE = 0.1  # temperature of the similarities that train an identity network


@dataclasses.dataclass(frozen=True)
class AgeCGANRecipe(DCGANRecipe):
    """Training settings in addition to those of `kerasgan.models.dcgan.DCGANRecipe`.

    Args:
        game_kimg: Thousands of images after which the game ends and only the encoder is trained, as in the paper.
            `None` trains the encoder during the game instead.
        encoder_optimizer: Optimizer of the encoder.
    """

    game_kimg: float | None = None
    encoder_optimizer: Any = Adam(2e-4, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class AgeCGAN(EncodingModel, DCGAN):
    """Face aging with a DCGAN conditioned on age groups, an encoder, and latents optimised to preserve the identity.

    The label is concatenated to the generator's latents, and to the discriminator's first map as constant channels
    (section 2.1). The encoder E(x, y) learns the latents of generated images (section 2.2). To age a face, the
    encoder's latents are improved so that the image generated for the face's own age has the same identity: they
    minimise |FR(x) - FR(G(z, y))|^2 by L-BFGS-B, where FR is an identity network (section 2.3, equation 2). Then the
    generator receives the label of the target age.

    The identity network is trained on real faces, independently of the generator: `fit_identity(images, persons)`. Do
    not use it to measure success: it is what was optimised.

    The encoder learns from images of the averaged generator, during the game (`game_kimg` separates the two, as in the
    paper). Latents are kept within 3 standard deviations; the paper has no such bound.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        num_classes: Number of age groups; 6 in the paper.
        latent_dim: Length of the latent vectors, which are standard normal.
        width: Channels of the first layer of the discriminator and of the encoder.
        generator_width: See `DCGAN`.
        kernel_size: See `DCGAN`.
        identity_size: Length of the identity network's vectors.
        identity_width: Channels of the identity network's first layer.
        **kwargs: Arguments of `kerasgan.LatentModel`, and `encoder` and `identity`, built Keras models; a given
            identity network is assumed to be trained.

    Examples:

    >>> model = AgeCGAN(image_shape=(64, 64, 3), num_classes=6)
    >>> model.compile()
    >>> model.fit(images, ages, epochs=100)
    >>> model.fit_identity(images, persons)
    >>> older = model.age(images[:4], from_=ages[:4], to=5)
    """

    recipe = AgeCGANRecipe()
    parts = ("generator", "discriminator", "encoder", "identity")
    averaged = ("generator", "encoder", "identity")
    fixed = ("latent_range", "conditioning", "packing", "discriminator_normalization")

    def __init__(
        self,
        image_shape,
        num_classes,
        latent_dim=100,
        width=64,
        generator_width=None,
        kernel_size=5,
        identity_size=64,
        identity_width=32,
        **kwargs,
    ):
        self.identity_size, self.identity_width = identity_size, identity_width
        sizes = {"width": width, "generator_width": generator_width, "kernel_size": kernel_size}
        super().__init__(image_shape, latent_dim, None, num_classes, **sizes, **kwargs)
        self.add_state(identity_trained=())
        if self._custom["identity"] is not None:
            self.identity_trained.assign(1.0)

    def build_discriminator(self):
        images, labels = keras.Input(self.image_shape, name="images"), self.condition_inputs()
        x = self._conditioned(images, labels[0], first_normalized=False)
        logits = layers.Dense(1, kernel_initializer=normal(0.02), name="logits")(layers.Flatten()(x))
        return keras.Model([images, *labels], logits, name="discriminator")

    def build_encoder(self):
        """The encoder, a built Keras model of [images, labels] to latents: the discriminator's convolutions."""
        images, labels = keras.Input(self.image_shape, name="images"), self.condition_inputs()
        x = self._conditioned(images, labels[0], first_normalized=True)
        latents = layers.Dense(self.latent_dim, kernel_initializer=normal(0.02), name="latents")(layers.Flatten()(x))
        return keras.Model([images, *labels], latents, name="encoder")

    def _conditioned(self, images, labels, first_normalized):
        """Strided convolutions, with the label's channels appended after the first one."""
        widths = [self.width << step for step in range(self.steps)]
        options = {"strides": 2, "padding": "same", "use_bias": not first_normalized}
        x = Conv2D(widths[0], self.kernel_size, kernel_initializer=normal(0.02), **options)(images)
        x = LeakyReLU(0.2)(batch_normalization(scale_stddev=SCALE_STDDEV)(x) if first_normalized else x)
        known = OneHot(self.num_classes)(labels)
        x = layers.Concatenate()([x, text_plane(known, *x.shape[1:3])])
        return strided_convolutions(x, widths[1:], self.kernel_size, 0.2, "batch", True, SCALE_STDDEV)

    def build_identity(self):
        """The identity network, a built Keras model of `images` to unit vectors, shape (batch, identity_size)."""
        images = x = keras.Input(self.image_shape, name="images")
        for step in range(self.steps):
            filters = self.identity_width << min(step, 2)
            x = Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = layers.AveragePooling2D(2)(x)
        x = layers.Dense(self.identity_size, dtype=keras.config.floatx())(layers.Flatten()(x))
        x = layers.UnitNormalization(dtype=keras.config.floatx(), name="identities")(x)
        return keras.Model(images, x, name="identity")

    # The game -------------------------------------------------------------------------------------------------------

    def phases(self):
        game, end = super().phases(), self.recipe.game_kimg
        encoder = Phase("encoder", ("encoder",), self.encoder_loss, "encoder", during=Kimg(end) if end else None)
        if end:
            game = tuple(dataclasses.replace(phase, during=Kimg(0, end)) for phase in game)
        return *game, encoder

    @shared
    def pairs(self, batch):
        """New latents and the images that the averaged generator makes from them, for the batch's labels."""
        latents = self.latents(batch)
        images = self.ema_generator([latents, *self.fake_condition(batch)], training=False)
        return latents, ops.stop_gradient(images)

    def encoder_loss(self, batch):
        """Squared distance of the encoder's latents of generated images from the latents (section 2.2)."""
        latents, images = self.pairs(batch)
        found = self.encoder([images, *self.fake_condition(batch)], training=True)
        squares = ops.sum(ops.square(at_least_float32(found) - at_least_float32(latents)), axis=-1)
        loss = weighted_mean(squares, batch.sample_weight)
        return loss, {"latent_error": ops.sqrt(loss / self.latent_dim)}

    # Identities -----------------------------------------------------------------------------------------------------

    def fit_identity(self, images, persons, epochs=20, batch_size=64, learning_rate=1e-3, seed=0, verbose=0):
        """Trains the identity network on real images of people at several ages.

        A batch contains two images of each of its persons. The network learns to pick the other image of the same
        person, with a softmax over cosine similarities at a temperature of 0.1 (Sohn 2016, the N-pair loss).

        Args:
            images: Float array of shape (count, *image_shape) in [-1, 1].
            persons: Integers of shape (count,) that identify the person in each image. Persons with a single image are
                ignored.
            epochs: Number of passes over the persons.
            batch_size: Number of images in a batch, even.
            learning_rate: Learning rate of Adam.
            seed: Random seed of the batches.
            verbose: See `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: If the lengths differ, or if too few persons for a batch have two images.
        """
        images, persons = np.asarray(images, "float32"), np.ravel(persons)
        self.sample_kind.check(images, "images")
        if len(images) != len(persons):
            raise ValueError(f"`persons` has {len(persons)} entries; expected {len(images)}, one for each image.")
        batches = PairsOfPersons(images, persons, batch_size, seed)
        network = keras.models.clone_model(self.identity)  # a clone, whose optimizer is not part of the model
        network.set_weights(self.identity.get_weights())
        network.compile(keras.optimizers.Adam(learning_rate), loss=identity_loss)
        history = network.fit(batches, epochs=epochs, shuffle=False, verbose=verbose)
        for each in (self.identity, self.ema_identity):
            each.set_weights(network.get_weights())
        self.identity_trained.assign(1.0)
        return history

    def latents_of(self, images, labels, preserve="identity", steps=100, identity=None):
        """Finds latents whose generated images resemble given ones.

        Args:
            images: Float array of shape (count, *image_shape) in [-1, 1].
            labels: Labels of the images: integers of shape (count,), class names, or one label for all.
            preserve: "identity" for latents whose image is closest in identity; "pixels" for latents whose image is
                closest in pixels; "nothing" for the encoder's latents, from which both start.
            steps: Maximum number of L-BFGS-B iterations per image.
            identity: Identity network to use instead of the model's own, a Keras model of images.

        Returns:
            A float32 array of shape (count, latent_dim).

        Raises:
            ValueError: For an unknown `preserve`, or without a trained identity network.
        """
        if preserve not in PRESERVE:
            raise ValueError(f"`preserve` is {preserve!r}; expected one of {', '.join(map(repr, PRESERVE))}.")
        images = np.asarray(images, "float32")
        numbers = self.label_numbers(labels, len(images))
        start = self.encode(images, labels=numbers)
        if preserve == "nothing":
            return start
        features = self.flat if preserve == "pixels" else self.identity_network(identity)
        return self._nearest(images, numbers, start, features, steps)

    def age(self, images, from_, to, preserve="identity", steps=100, identity=None, batch_size=64):
        """Shows the faces in images at another age.

        Args:
            images: Float array of shape (count, *image_shape) in [-1, 1].
            from_: Labels of the images: integers of shape (count,), class names, or one label for all.
            to: Labels of the target ages, in the format of `from_`.
            preserve: See `latents_of`.
            steps: See `latents_of`.
            identity: See `latents_of`.
            batch_size: Number of images to generate at once.

        Returns:
            A float32 array of shape (count, *image_shape), images in [-1, 1]. `to=from_` gives the reconstructions.

        Raises:
            ValueError: See `latents_of`; also for labels that the model does not have.
        """
        goal = self.label_numbers(to, len(images))
        latents = self.latents_of(images, from_, preserve, steps, identity)
        return self.generate([ops.convert_to_tensor(latents), ops.convert_to_tensor(goal)], batch_size=batch_size)

    def label_numbers(self, labels, count):
        """Labels as int32 of shape (count,), from integers, class names, or one label for all."""
        labels = np.broadcast_to(np.asarray(labels), (count,)) if np.ndim(labels) == 0 else np.asarray(labels)
        if labels.dtype.kind in "US":
            labels = class_numbers(list(labels), self.class_names, self.num_classes)
        labels = np.ravel(labels).astype("int32")
        if len(labels) != count or (count and not (labels.min() >= 0 and labels.max() < self.num_classes)):
            raise ValueError(
                f"`labels` has {len(labels)} numbers, {np.unique(labels)[:8]}; expected {count}, from 0 to "
                f"{self.num_classes - 1}."
            )
        return labels

    def identity_network(self, given=None):
        """The given identity network, or the model's own, if it is trained."""
        if given is not None:
            return lambda images: given(images, training=False)
        if not float(ops.convert_to_numpy(self.identity_trained)):
            raise ValueError(
                "`identity` is None, and the model's own identity network is untrained. Call fit_identity(images, "
                "persons), pass a network, or preserve='pixels'."
            )
        return lambda images: self.ema_identity(images, training=False)

    @staticmethod
    def flat(images):
        """Images as vectors."""
        return ops.reshape(images, (-1, int(np.prod(images.shape[1:]))))

    def _nearest(self, images, labels, start, features, steps):
        """Latents that minimise the squared distance of the features, one image at a time."""
        from scipy.optimize import minimize

        generator = self.inference(self.ema_generator)

        def value_and_slope(latents, label, target):
            def loss(tensors):
                made = features(generator.graph([tensors[0], label]))
                return ops.sum(ops.square(made - target))

            return loss([latents]), gradients(loss, [latents])[0]

        measure, describe = self.compiled_function(value_and_slope), self.compiled_function(features)
        found = np.empty_like(start)
        for place in range(len(images)):
            target = describe(ops.convert_to_tensor(images[place : place + 1]))
            label = ops.convert_to_tensor(labels[place : place + 1])

            def objective(z, label=label, target=target):
                value, slope = measure(ops.convert_to_tensor(z[None].astype("float32")), label, target)
                return float(ops.convert_to_numpy(value)), ops.convert_to_numpy(slope)[0].astype("float64")

            first = np.clip(start[place].astype("float64"), -BOUND, BOUND)
            bounds = [(-BOUND, BOUND)] * self.latent_dim
            result = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": steps})
            found[place] = result.x
        return found


class PairsOfPersons(keras.utils.PyDataset):
    """Batches with two images of each of several persons: (images, numbers of the persons).

    Args:
        images: Array of images.
        persons: Integers that identify the person in each image.
        batch_size: Number of images in a batch, even.
        seed: Random seed.
    """

    def __init__(self, images, persons, batch_size=64, seed=0):
        super().__init__()
        order = np.argsort(persons, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(persons[order]) != 0])
        groups = np.split(order, starts[1:])
        self.images, self.groups = images, [group for group in groups if len(group) > 1]
        self.persons, self.random = batch_size // 2, np.random.default_rng(seed)
        if batch_size % 2 or self.persons < 2 or len(self.groups) < self.persons:
            raise ValueError(
                f"{len(self.groups)} persons have two images or more; expected at least {batch_size / 2:g} of them, "
                f"for batches of {batch_size}. Choose a smaller, even batch_size."
            )
        self.on_epoch_end()

    def __len__(self):
        return len(self.groups) // self.persons

    def __getitem__(self, index):
        chosen = self.order[index * self.persons : (index + 1) * self.persons]
        pairs = np.array([self.random.choice(self.groups[number], 2, replace=False) for number in chosen])
        return self.images[pairs.ravel()], np.repeat(chosen, 2).astype("int32")

    def on_epoch_end(self):
        self.order = self.random.permutation(len(self.groups))


def identity_loss(persons, vectors):
    """N-pair loss: mean of -log softmax, over all other images, of the similarity to the same person's other image.

    Args:
        persons: Integers of shape (batch,), each twice.
        vectors: Unit vectors of shape (batch, size).
    """
    persons = ops.reshape(persons, (-1, 1))
    similar = ops.matmul(vectors, ops.transpose(vectors)) / TEMPERATURE
    itself = ops.cast(ops.eye(ops.shape(vectors)[0]), similar.dtype)
    similar = similar - 1e9 * itself
    same = ops.cast(ops.equal(persons, ops.transpose(persons)), similar.dtype) - itself
    return -ops.mean(ops.sum(same * ops.log_softmax(similar, axis=-1), axis=-1))
