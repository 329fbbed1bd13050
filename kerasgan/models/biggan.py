"""BigGAN and BigGAN-deep (Brock et al. 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis")."""

import math
import re

import keras
from keras import layers

from kerasgan.layers import ConditionalBatchNormalization, SelfAttention, batch_normalization, orthogonal
from kerasgan.layers.residual import discriminator_bottleneck, generator_bottleneck
from kerasgan.layers.residual_networks import Kit, judge, residual_discriminator, residual_generator, to_images
from kerasgan.zoo.official import pairs

# Channels by image size in units of the width: of the first map and behind each doubling (appendix B, tables 4 to 9;
# at 32 and 64 pixels those of the authors' PyTorch code).
GENERATOR = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# Of each block, and how many of the blocks halve the size. In BigGAN-deep the first is that of a convolution, the
# others are of pairs of blocks.
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
    image_size, latent_dim, labels=(), num_classes=None, width=96, embedding=128, attention=None, channels=3
):
    """BigGAN's generator, with hierarchical latents and a shared embedding of the labels.

    The latents are cut into equal chunks: the first is the input of the dense layer, each further one is told to a
    block's batch normalizations, beside the label's embedding.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors, a multiple of the number of blocks and one; 120 at 128 pixels.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        width: Channels of the narrowest map.
        embedding: Length of the labels' vectors, which are not spectrally normalized. None for a gain and an offset of
            each class in each batch normalization, and latents that the dense layer alone gets, as the authors' code
            has it for CIFAR-10.
        attention: Indices of the blocks that are followed by self-attention; None for the one that makes maps of 64 x
            64 where images are larger, as in the paper.
        channels: Channels of the images.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.

    Raises:
        ValueError: For another size, or latents that cannot be cut.
    """
    widths = [width * factor for factor in sized(GENERATOR, image_size)]
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


def biggan_discriminator(image_size, labels=(), num_classes=None, width=96, attention=None, channels=3):
    """BigGAN's discriminator, with projection where there are labels.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        width: Channels of the widest map.
        attention: Indices of the blocks that are followed by self-attention; None as for `biggan_generator`.
        channels: Channels of the images.

    Returns:
        A Keras model of `images` [and `labels`] with an output of logits, shape (batch, 1).
    """
    factors, downs = sized(DISCRIMINATOR, image_size)
    attention = of_height_64(image_size, downs, True) if attention is None else attention
    images = keras.Input((image_size, image_size, channels), name="images")
    widths = [width * factor for factor in factors]
    return residual_discriminator(images, labels, widths, downs, num_classes, KIT, attention=attention)


def biggan_deep_generator(
    image_size, latent_dim, labels=(), num_classes=None, width=128, embedding=128, depth=2, attention=None, channels=3
):
    """BigGAN-deep's generator: `depth` bottleneck blocks at each size, each told all latents and the label's embedding.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors; 128 in the paper.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        width: Channels of the narrowest map.
        embedding: Length of the labels' vectors, which are not spectrally normalized.
        depth: Number of blocks at each size, the last of which doubles it.
        attention: Indices of the doublings that are followed by self-attention; None as for `biggan_generator`.
        channels: Channels of the images.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.
    """
    widths = [width * factor for factor in sized(GENERATOR, image_size)]
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


def biggan_deep_discriminator(image_size, labels=(), num_classes=None, width=128, depth=2, attention=None, channels=3):
    """BigGAN-deep's discriminator: a 3 x 3 convolution, then `depth` bottleneck blocks at each size.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        width: Channels of the widest map.
        depth: Number of blocks at each size, the first of which halves it.
        attention: Indices of the sizes that end with self-attention; None as for `biggan_generator`.
        channels: Channels of the images.

    Returns:
        A Keras model of `images` [and `labels`] with an output of logits, shape (batch, 1).
    """
    factors, downs = sized(DISCRIMINATOR, image_size)
    first, *widths = (width * factor for factor in factors)
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
    """A generator as a model of latents and the label's vector, so that classes can be mixed.

    Args:
        generator: BigGAN's or BigGAN-deep's, with a shared embedding.

    Returns:
        A Keras model of [latents, vectors] that shares the generator's variables.
    """
    vectors = generator.get_layer("label_embedding").output
    return keras.Model([generator.inputs[0], vectors], generator.outputs[0], name="generator_of_embedding")


def embedded(labels, num_classes, size):
    """The shared embedding of labels in a list; an empty list where there are none."""
    initial = orthogonal()
    return [layers.Embedding(num_classes, size, initial, name="label_embedding")(labels[0])] if labels else []


def told(x, condition, name):
    """Batch normalization whose gain and offset are spectrally normalized linear functions of a vector."""
    options = {"spectral": KIT.spectral, "kernel_initializer": KIT.initializer, "name": name}
    return ConditionalBatchNormalization(**options)([x, condition])


def class_conditional(x, labels, num_classes, name):
    """Batch normalization with a gain and an offset of each class, where there are labels."""
    if labels:
        return ConditionalBatchNormalization(num_classes, name=name)([x, labels[0]])
    return batch_normalization(name=name)(x)


def sized(table, image_size):
    """The entry of a table for an image size.

    Raises:
        ValueError: If it has none.
    """
    if image_size not in table:
        raise ValueError(f"`image_size` is {image_size}; expected one of {sorted(table)}.")
    return table[image_size]


def of_height_64(image_size, blocks, down):
    """The index of the block whose output has 64 x 64 places, in a tuple; an empty one for images that small.

    Args:
        image_size: Height and width of the images.
        blocks: Number of blocks that change the size.
        down: Whether they halve it.
    """
    halvings = round(math.log2(image_size / 64))
    return () if halvings < 1 else ((halvings if down else blocks - halvings) - 1,)


# Weights of BigGAN-PyTorch (github.com/ajbrock/BigGAN-PyTorch) -------------------------------------------------------


def official_pairs(network, names):
    """The variables of a network beside what they are in the `state_dict` of the authors' PyTorch code.

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
            if generator:  # blocks of one size are counted on there, and attention belongs to the last
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
