"""BigGAN and BigGAN-deep (Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis")."""

import dataclasses
import math
import re
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data.kinds import Images
from kerasgan.game.averages import half_life
from kerasgan.game.recipe import Adam
from kerasgan.layers import ConditionalBatchNormalization, SelfAttention, batch_normalization, orthogonal
from kerasgan.layers.residual import discriminator_bottleneck, generator_bottleneck
from kerasgan.layers.residual_networks import Kit, judge, residual_discriminator, residual_generator, to_images
from kerasgan.objectives.orthogonal import orthogonal_regularization
from kerasgan.zoo.convert import assign_averages
from kerasgan.zoo.official import DERIVED, pairs

# Channels by image size, in units of the width: of the first map and after each doubling (appendix B, tables 4 to 9;
# for 32 and 64 pixels, the authors' PyTorch code).
GENERATOR = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# Channels of each block, and the number of blocks that halve the size. In BigGAN-deep the first number belongs to a
# convolution, the others to pairs of blocks.
DISCRIMINATOR = {
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
    256: ((1, 2, 4, 8, 8, 16, 16), 6),
    512: ((1, 1, 2, 4, 8, 8, 16, 16), 7),
}
LATENT_DIMS = {32: 128, 64: 120, 128: 120, 256: 140, 512: 160}
KIT = Kit(spectral=True, initializer=orthogonal())


def biggan_generator(
    image_size,
    latent_dim,
    labels=(),
    num_classes=None,
    width=96,
    embedding=128,
    attention=None,
    channels=3,
    widths=None,
):
    """BigGAN's generator, with hierarchical latents and a shared embedding of the labels.

    The latents are split into equal chunks: the first is the input of the dense layer; each of the others conditions
    the batch normalizations of one block, together with the label's embedding.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors, a multiple of one plus the number of blocks; 120 at 128 pixels.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        width: Channels of the narrowest map.
        embedding: Length of the labels' vectors, which are not spectrally normalized. None for a gain and an offset of
            each class in each batch normalization, and latents that only the dense layer receives, as in the authors'
            code for CIFAR-10.
        attention: Indices of the blocks followed by self-attention. None for the block that makes maps of 64 x 64, if
            images are larger, as in the paper.
        channels: Channels of the images.
        widths: Channels of the first map and after each doubling, instead of `width`, for any image size.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.

    Raises:
        ValueError: For an unsupported size, or latents that cannot be split.
    """
    widths = widths or [width * factor for factor in sized(GENERATOR, image_size)]
    latents = keras.Input((latent_dim,), name="latents")
    if embedding is None:
        first, conditions = latents, None
    else:
        if latent_dim % len(widths):
            raise ValueError(
                f"`latent_dim` is {latent_dim}; expected a multiple of {len(widths)} at {image_size} pixels: a chunk "
                f"for the dense layer and one for each of the {len(widths) - 1} blocks."
            )
        size = latent_dim // len(widths)
        first, *chunks = (latents[:, start : start + size] for start in range(0, latent_dim, size))
        vectors = embedded(labels, num_classes, embedding)
        conditions = [layers.Concatenate()([*vectors, chunk]) if vectors else chunk for chunk in chunks]

    def normalize(x, name, place):
        if conditions is None:
            return class_conditional(x, labels, num_classes, name)
        return told(x, conditions[place], name)

    attention = of_height_64(image_size, len(widths) - 1, False) if attention is None else attention
    shape = (image_size, image_size, channels)
    return residual_generator([latents, *labels], first, widths, shape, KIT, normalize, attention)


def biggan_discriminator(
    image_size, labels=(), num_classes=None, width=96, attention=None, channels=3, widths=None, downs=None
):
    """BigGAN's discriminator, with a projection of the labels if there are any.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        width: Channels of the widest map.
        attention: Indices of the blocks followed by self-attention. None as for `biggan_generator`.
        channels: Channels of the images.
        widths: Channels of each block, instead of `width`, for any image size.
        downs: Number of blocks that halve the size, if `widths` is given. None for all but one.

    Returns:
        A Keras model from `images` [and `labels`] to logits of shape (batch, 1).
    """
    widths, downs = judging_widths(image_size, width, widths, downs)
    attention = of_height_64(image_size, downs, True) if attention is None else attention
    images = keras.Input((image_size, image_size, channels), name="images")
    return residual_discriminator(images, labels, widths, downs, num_classes, KIT, attention=attention)


def biggan_deep_generator(
    image_size,
    latent_dim,
    labels=(),
    num_classes=None,
    width=128,
    embedding=128,
    depth=2,
    attention=None,
    channels=3,
    widths=None,
):
    """BigGAN-deep's generator: `depth` bottleneck blocks at each size, conditioned on all latents and the label.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors; 128 in the paper.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        width: Channels of the narrowest map.
        embedding: Length of the labels' vectors, which are not spectrally normalized.
        depth: Number of blocks at each size, the last of which doubles it.
        attention: Indices of the doublings followed by self-attention. None as for `biggan_generator`.
        channels: Channels of the images.
        widths: See `biggan_generator`.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.
    """
    widths = widths or [width * factor for factor in sized(GENERATOR, image_size)]
    attention = of_height_64(image_size, len(widths) - 1, False) if attention is None else attention
    latents = keras.Input((latent_dim,), name="latents")
    vectors = embedded(labels, num_classes, embedding)
    condition = layers.Concatenate()([*vectors, latents]) if vectors else latents
    small = (image_size >> len(widths) - 1, image_size >> len(widths) - 1, widths[0])
    x = layers.Reshape(small, name="small")(KIT.dense(math.prod(small), "stem")(condition))
    for place, after in enumerate(widths[1:]):
        for step in range(depth):
            up = step == depth - 1
            x = generator_bottleneck(
                x,
                after if up else x.shape[-1],
                KIT.convolution,
                lambda h, name: told(h, condition, name),
                f"block{place}_{step}",
                up,
            )
        if place in attention:
            x = KIT.attention(f"attention{place}")(x)
    return keras.Model([latents, *labels], to_images(x, channels, KIT), name="generator")


def biggan_deep_discriminator(
    image_size, labels=(), num_classes=None, width=128, depth=2, attention=None, channels=3, widths=None, downs=None
):
    """BigGAN-deep's discriminator: a 3 x 3 convolution, then `depth` bottleneck blocks at each size.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        width: Channels of the widest map.
        depth: Number of blocks at each size, the first of which halves it.
        attention: Indices of the sizes that end with self-attention. None as for `biggan_generator`.
        channels: Channels of the images.
        widths: Channels of the convolution and of the blocks at each size, instead of `width`, for any image size.
        downs: See `biggan_discriminator`.

    Returns:
        A Keras model from `images` [and `labels`] to logits of shape (batch, 1).
    """
    (first, *widths), downs = judging_widths(image_size, width, widths, downs)
    attention = of_height_64(image_size, downs, True) if attention is None else attention
    images = keras.Input((image_size, image_size, channels), name="images")
    x = KIT.convolution(first, 3, "input")(images)
    for place, after in enumerate(widths):
        for step in range(depth):
            down = step == 0 and place < downs
            x = discriminator_bottleneck(x, after, KIT.convolution, f"block{place}_{step}", down)
        if place in attention:
            x = KIT.attention(f"attention{place}")(x)
    return keras.Model([images, *labels], judge(x, labels, num_classes, KIT), name="discriminator")


def of_embedding(generator):
    """Returns a generator as a model of latents and label vectors, so that classes can be mixed.

    Args:
        generator: BigGAN's or BigGAN-deep's, with a shared embedding.

    Returns:
        A Keras model of [latents, vectors] that shares the generator's variables.
    """
    vectors = generator.get_layer("label_embedding").output
    return keras.Model([generator.inputs[0], vectors], generator.outputs[0], name="generator_of_embedding")


def embedded(labels, num_classes, size):
    """The shared embedding of labels, as a list; an empty list without labels."""
    initial = orthogonal()
    return [layers.Embedding(num_classes, size, initial, name="label_embedding")(labels[0])] if labels else []


def told(x, condition, name):
    """Batch normalization whose gain and offset are spectrally normalized linear functions of a vector."""
    options = {"spectral": KIT.spectral, "kernel_initializer": KIT.initializer, "name": name}
    return ConditionalBatchNormalization(**options)([x, condition])


def class_conditional(x, labels, num_classes, name):
    """Batch normalization, with a gain and an offset for each class if there are labels."""
    if labels:
        return ConditionalBatchNormalization(num_classes, name=name)([x, labels[0]])
    return batch_normalization(name=name)(x)


def judging_widths(image_size, width, widths=None, downs=None):
    """Channels of a discriminator's blocks, and the number of blocks that halve the size.

    Args:
        image_size: Height and width of the images.
        width: Unit of channels, by which the table's numbers are multiplied.
        widths: Channels of each block instead. `None` for the table's.
        downs: Number of halvings, if `widths` is given. `None` for all blocks but one.
    """
    if widths is not None:
        return list(widths), len(widths) - 1 if downs is None else downs
    factors, downs = sized(DISCRIMINATOR, image_size)
    return [width * factor for factor in factors], downs


def sized(table, image_size):
    """The entry of a table for an image size.

    Raises:
        ValueError: If there is no such entry.
    """
    if image_size not in table:
        raise ValueError(f"`image_size` is {image_size}; expected one of {sorted(table)}. Pass widths for another one.")
    return table[image_size]


def of_height_64(image_size, blocks, down):
    """The index of the block with an output of 64 x 64 positions, as a tuple; empty if images are no larger than that.

    Args:
        image_size: Height and width of the images.
        blocks: Number of blocks that change the size.
        down: Whether the blocks halve the size.
    """
    halvings = round(math.log2(image_size / 64))
    return () if halvings < 1 else ((halvings if down else blocks - halvings) - 1,)


# Families ------------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class BigGANRecipe(LatentRecipe):
    """The paper's settings at 128 pixels (section 3 and appendix C); extends `kerasgan.LatentRecipe`.

    Args:
        orthogonal: Strength of the orthogonal regularization of the generator's kernels, except the shared embedding;
            see `kerasgan.objectives.orthogonal`. 0 for no regularization.
    """

    loss: Any = "hinge"
    batch_size: int = 2048
    microbatch: int | None = 256
    generator_every: int = 2
    orthogonal: float = 1e-4
    ema_half_life: Any = half_life(0.9999, 2048)
    discriminator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(2e-4, beta_1=0.0, beta_2=0.999))
    generator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(5e-5, beta_1=0.0, beta_2=0.999))


# Settings of the authors' PyTorch code, and settings for two CPU cores.
FURTHER_RECIPES: dict[str, dict] = {
    "imagenet_pytorch": {
        "generator_every": 1,
        "orthogonal": 0.0,
        "discriminator_optimizer": Adam(4e-4, beta_1=0.0, beta_2=0.999, epsilon=1e-6),
        "generator_optimizer": Adam(1e-4, beta_1=0.0, beta_2=0.999, epsilon=1e-6),
    },
    "cifar10_pytorch": {
        "batch_size": 50,
        "microbatch": None,
        "generator_every": 4,
        "orthogonal": 0.0,
        "ema_half_life": half_life(0.9999, 50),
        "discriminator_optimizer": Adam(2e-4, beta_1=0.0, beta_2=0.999),
        "generator_optimizer": Adam(2e-4, beta_1=0.0, beta_2=0.999),
    },
    "cpu32": {
        "batch_size": 32,
        "microbatch": None,
        "generator_every": 1,
        "ema_half_life": 10_000.0,
        "discriminator_optimizer": Adam(4e-4, beta_1=0.0, beta_2=0.999),
        "generator_optimizer": Adam(1e-4, beta_1=0.0, beta_2=0.999),
    },
}


@keras.saving.register_keras_serializable(package="kerasgan")
class BigGAN(LatentModel):
    """BigGAN, conditional with `num_classes`.

    Residual networks with spectral normalization and orthogonal initial weights, self-attention over maps of 64 x 64,
    latents that reach each block of the generator (hierarchical latents), one label embedding shared by all of the
    generator's batch normalizations, and a projection discriminator that sums over positions.

    `sample(truncation=0.5)` redraws each latent beyond 0.5; `standing_statistics(truncation=0.5)` first adapts the
    averaged generator's batch statistics to such samples. The gradients of the paper's batches of 2,048 images are
    accumulated over micro-batches of 256; set `microbatch` to a number that fits into memory.

    The default recipe is the paper's at 128 pixels. "imagenet_pytorch" and "cifar10_pytorch" follow the authors'
    PyTorch code; "cpu32" is for images of 32 pixels on two CPU cores, with narrow networks as in the second example.

    Args:
        image_shape: Shape (size, size, channels) of images in [-1, 1]; size is 32, 64, 128, 256 or 512, or any other if
            widths are given.
        latent_dim: Length of the latent vectors, a multiple of the number of generator widths. `None` for the values of
            the paper: 120 at 128 pixels, 140 at 256, 160 at 512.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        width: Unit of channels, by which all numbers in the paper's tables are multiplied.
        embedding: Length of the labels' vectors. `None` for a gain and an offset of each class in each batch
            normalization and no hierarchical latents, as in the authors' code for CIFAR-10.
        generator_widths: Channels of the generator's first map and after each doubling, instead of `width`.
        discriminator_widths: Channels of the discriminator's blocks, instead of `width`.
        downs: Number of the discriminator's blocks that halve the size, if widths are given. Defaults to all but one.
        generator_attention: Indices of the generator's blocks followed by self-attention. `None` for the block that
            makes maps of 64 x 64, if images are larger; () for no attention.
        discriminator_attention: The same for the discriminator's blocks.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = BigGAN(image_shape=(128, 128, 3), num_classes=1000)
    >>> model.compile(microbatch=64)
    >>> model.fit(images, labels, epochs=100)
    >>> model.standing_statistics(truncation=0.5)
    >>> pictures = model.sample(16, labels=range(16), truncation=0.5)
    >>> small = BigGAN(image_shape=(32, 32, 3), num_classes=10, width=16, embedding=32)
    >>> small.compile(recipe="cpu32")
    """

    official_format = "torch"
    official_license = (
        "mit",
        "MIT License of BigGAN-PyTorch (https://github.com/ajbrock/BigGAN-PyTorch) for the authors' weights; ImageNet, "
        "which they were trained on, is for research and not for commercial use.",
    )
    recipe = BigGANRecipe()
    recipes = FURTHER_RECIPES

    def __init__(
        self,
        image_shape,
        latent_dim=None,
        num_classes=None,
        width=96,
        embedding=128,
        generator_widths=None,
        discriminator_widths=None,
        downs=None,
        generator_attention=None,
        discriminator_attention=None,
        **kwargs,
    ):
        size = square(image_shape)
        self.width, self.embedding, self.downs = width, embedding, downs
        self.generator_widths, self.discriminator_widths = generator_widths, discriminator_widths
        self.generator_attention, self.discriminator_attention = generator_attention, discriminator_attention
        if latent_dim is None:
            latent_dim = 20 * len(generator_widths) if generator_widths else sized(LATENT_DIMS, size)
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        return biggan_generator(
            labels=self.condition_inputs(), embedding=self.embedding, **self._sizes_of("generator", self.image_shape)
        )

    def build_discriminator(self):
        labels = self.condition_inputs(packed=True)
        return biggan_discriminator(labels=labels, **self._sizes_of("discriminator", self.pack_shape))

    def _sizes_of(self, network, shape):
        """The arguments that the functions of both networks share, and those specific to one of them."""
        own = {"latent_dim": self.latent_dim} if network == "generator" else {"downs": self.downs}
        return {
            "image_size": shape[0],
            "channels": shape[-1],
            "num_classes": self.num_classes,
            "width": self.width,
            "widths": getattr(self, f"{network}_widths"),
            "attention": getattr(self, f"{network}_attention"),
            **own,
        }

    def generator_loss(self, batch):
        loss, logs = super().generator_loss(batch)
        if not self.recipe.orthogonal:
            return loss, logs
        logs["orthogonal"] = orthogonal_regularization(self.generator, self.recipe.orthogonal)
        return loss + ops.cast(logs["orthogonal"], loss.dtype), logs

    @classmethod
    def from_official(cls, arrays):
        """Creates a model whose generator and averaged generator have weights of the authors' PyTorch code.

        Args:
            arrays: `{name: array}`, the `state_dict` of a generator such as `G_ema.pth`, which determines all sizes.

        Returns:
            A `BigGAN` or `BigGANDeep` with an untrained discriminator.

        Raises:
            ValueError: If the arrays belong to another network or use an unsupported option.
        """
        model = official_family(arrays)(**official_sizes(arrays))
        return assign_averages(model, official_pairs(model.generator, arrays), arrays, DERIVED)


@keras.saving.register_keras_serializable(package="kerasgan")
class BigGANDeep(BigGAN):
    """BigGAN-deep, conditional with `num_classes`: `depth` bottleneck blocks at each size (appendix B).

    The latents are not split: each block receives all of them, together with the label's embedding. Otherwise see
    `BigGAN`. The recipe "imagenet256" is the paper's for 256 and 512 pixels.

    Args:
        image_shape: See `BigGAN`.
        latent_dim: Length of the latent vectors.
        num_classes: See `BigGAN`.
        width: Unit of channels, by which all numbers in the paper's tables are multiplied.
        embedding: Length of the labels' vectors.
        depth: Number of blocks at each size.
        **kwargs: Arguments of `BigGAN`.

    Examples:

    >>> model = BigGANDeep(image_shape=(256, 256, 3), num_classes=1000)
    >>> model.compile(recipe="imagenet256", microbatch=32)
    >>> small = BigGANDeep((32, 32, 3), latent_dim=32, num_classes=10, width=16, embedding=32)
    >>> small.compile(recipe="cpu32")
    """

    recipes = {
        **FURTHER_RECIPES,
        "imagenet256": {
            "discriminator_optimizer": Adam(2.5e-5, beta_1=0.0, beta_2=0.999),
            "generator_optimizer": Adam(2.5e-5, beta_1=0.0, beta_2=0.999),
        },
    }

    def __init__(self, image_shape, latent_dim=128, num_classes=None, width=128, embedding=128, depth=2, **kwargs):
        self.depth = depth
        super().__init__(image_shape, latent_dim, num_classes, width, embedding, **kwargs)

    def build_generator(self):
        options = {**self._sizes_of("generator", self.image_shape), "embedding": self.embedding, "depth": self.depth}
        return biggan_deep_generator(labels=self.condition_inputs(), **options)

    def build_discriminator(self):
        options = {**self._sizes_of("discriminator", self.pack_shape), "depth": self.depth}
        return biggan_deep_discriminator(labels=self.condition_inputs(packed=True), **options)


def square(image_shape):
    """The side length of square images.

    Raises:
        ValueError: If the images are not square.
    """
    height, width, _ = Images(image_shape).shape
    if height != width:
        raise ValueError(f"`image_shape` is {tuple(image_shape)}; expected square images. Crop them.")
    return height


# Weights of BigGAN-PyTorch (github.com/ajbrock/BigGAN-PyTorch) -------------------------------------------------------


def official_pairs(network, names):
    """Pairs the variables of a network with their sources in a `state_dict` of the authors' PyTorch code.

    Args:
        network: Generator or discriminator of BigGAN or BigGAN-deep.
        names: Names of the entries.

    Returns:
        List of (variable, `kerasgan.zoo.convert.Source`).
    """
    generator = network.name == "generator"
    modules = {"label_embedding": "shared", "stem": "linear", "score": "linear", "label_projection": "embed"}
    modules |= {"normalization": "output_layer.0", "convolution": "output_layer.2", "input": "input_conv"}
    parts = {"convolution": "conv", "normalization": "bn", "shortcut": "conv_sc"}
    steps = [re.match(r"block\d+_(\d+)_", layer.name) for layer in network.layers]
    depth = 1 + max((int(step[1]) for step in steps if step), default=0)
    owners = {}
    for layer in network.layers:
        module = modules.get(layer.name)
        found = re.match(r"(block|attention)(\d+)(?:_(\d+))?(?:_([a-z]+)(\d?))?$", layer.name)
        if found:
            kind, place, step, part, digit = found.groups()
            step = int(step or 0) if kind == "block" else depth
            if generator:  # there, blocks of one size are numbered consecutively, and attention belongs to the last
                module = f"blocks.{depth * int(place) + min(step, depth - 1)}.{int(kind == 'attention')}"
            else:
                module = f"blocks.{place}.{step}"
            module = module if kind == "attention" else part and f"{module}.{parts[part]}{digit}"
        if not module:
            continue
        owners[module] = layer
        if isinstance(layer, ConditionalBatchNormalization):
            owners |= {f"{module}.gain": layer.gain, f"{module}.bias": layer.offset}
            owners |= {module: layer.normalization, f"{module}.bn": layer.normalization}
        elif isinstance(layer, SelfAttention):
            owners |= {f"{module}.{name}": getattr(layer, name) for name in ("theta", "phi", "g", "o")}
        elif isinstance(layer, layers.BatchNormalization):
            owners[f"{module}.bn"] = layer
    places = {"linear": network.get_layer("small").target_shape[:2]} if generator else {}
    return pairs(owners, names, places)


def official_family(arrays):
    """The class, `BigGAN` or `BigGANDeep`, of a generator's `state_dict` from the authors' PyTorch code."""
    return BigGANDeep if "blocks.0.0.conv4.weight" in arrays else BigGAN


def official_sizes(arrays):
    """The constructor arguments that match a generator's `state_dict` from the authors' PyTorch code.

    Args:
        arrays: `{name: array}`.

    Raises:
        ValueError: If the arrays belong to another network or use an unsupported option.
    """
    shapes = {name: tuple(array.shape) for name, array in arrays.items() if hasattr(array, "shape")}
    missing = {"linear.weight", "blocks.0.0.conv1.weight", "output_layer.2.weight"} - set(shapes)
    if missing:
        raise ValueError(f"`arrays` lacks {sorted(missing)}; expected the weights of a generator of BigGAN-PyTorch.")
    deep = official_family(arrays) is BigGANDeep
    depth, last = (2, "conv4") if deep else (1, "conv2")
    count = sum(bool(re.match(r"blocks\.\d+\.0\.conv1\.weight$", name)) for name in shapes) // depth
    ends = [shapes.get(f"blocks.{depth * i + depth - 1}.0.{last}.weight", (0,))[0] for i in range(count)]
    widths, size = [shapes["blocks.0.0.conv1.weight"][1], *ends], 4 << count
    width = widths[-1] // sized(GENERATOR, size)[-1]
    if widths != [width * factor for factor in GENERATOR[size]] or shapes["linear.weight"][0] != 16 * widths[0]:
        raise ValueError(f"`arrays` has maps of {widths} channels, which are not the paper's at {size} pixels.")
    places = [
        int(found[1]) // depth for name in shapes if (found := re.match(r"blocks\.(\d+)\.1\.theta\.weight", name))
    ]
    gain, start = shapes["blocks.0.0.bn1.gain.weight"], shapes["linear.weight"][1]
    classes, embedding = shapes.get("shared.weight", (gain[0], None))
    latents = start - embedding if deep and embedding else start if deep or embedding is None else start * (count + 1)
    told = None if embedding is None else start if deep else embedding + start
    if (deep and embedding is None) or (told is not None and gain[1] != told):
        raise ValueError("`arrays` is of a generator without hierarchical latents, which is not supported.")
    return {
        "image_shape": (size, size, shapes["output_layer.2.weight"][0]),
        "latent_dim": latents,
        "num_classes": classes,
        "width": width,
        "embedding": embedding,
        "generator_attention": tuple(places),
    }
