"""BigBiGAN (Donahue & Simonyan 2019, "Large Scale Adversarial Representation Learning")."""

import keras
from keras import layers, ops

from kerasgan.layers import batch_normalization, orthogonal
from kerasgan.layers.residual import discriminator_block
from kerasgan.layers.residual_networks import Kit, sum_pooled
from kerasgan.models.biggan import DISCRIMINATOR, biggan_generator, of_height_64, sized
from kerasgan.objectives.losses import at_least_float32, weighted_mean

SCORES = ("images", "latents", "joint")
KIT = Kit(spectral=True, initializer=orthogonal())


# Losses (section 2) ------------------------------------------------------------------------------------------------


def discriminator_loss(encoded, generated, scores=SCORES, weight=None):
    """What the discriminator minimises: the hinge loss of each score by itself, not of their sum.

    The sum over scores s of E max(0, 1 - s(x, E(x))) + E max(0, 1 + s(G(z), z)).

    Args:
        encoded: `{name: logits}` of images x and the latents that the encoder gives for them.
        generated: The same of generated images and their latents.
        scores: Names of the scores that count; the paper's ablations leave out "images" or "latents".
        weight: Weights of the images, shape (batch,), or None.

    Returns:
        Scalar tensor.
    """
    total = 0.0
    for name in scores:
        real, fake = at_least_float32(encoded[name]), at_least_float32(generated[name])
        total = total + weighted_mean(ops.relu(1.0 - real), weight) + weighted_mean(ops.relu(1.0 + fake))
    return total


def generator_encoder_loss(encoded, generated, scores=SCORES, weight=None):
    """What generator and encoder minimise together, without a hinge: E sum s(x, E(x)) - E sum s(G(z), z).

    So the encoder lowers the scores of images and what it makes of them, as the generator raises those of its own.

    Args:
        encoded: As for `discriminator_loss`.
        generated: As for `discriminator_loss`.
        scores: As for `discriminator_loss`.
        weight: As for `discriminator_loss`.

    Returns:
        Scalar tensor.
    """
    total = 0.0
    for name in scores:
        real, fake = at_least_float32(encoded[name]), at_least_float32(generated[name])
        total = total + weighted_mean(real, weight) - weighted_mean(fake)
    return total


def drawn_latents(mean, spread, noise):
    """Latents of the encoder's distribution: mean + softplus(spread) * noise, with standard normal noise."""
    return mean + ops.softplus(spread) * noise


# Networks (appendix A) ----------------------------------------------------------------------------------------------


def bigbigan_generator(image_size, latent_dim=120, width=96, attention=None, channels=3):
    """BigGAN's generator without labels: a chunk of the latents alone is told to each block."""
    return biggan_generator(image_size, latent_dim, (), None, width, attention=attention, channels=channels)


def bigbigan_discriminator(image_size, latent_dim=120, width=96, units=2048, blocks=4, attention=None, channels=3):
    """The joint discriminator: F of images, H of latents, J of both, and a linear score of each.

    F is BigGAN's discriminator up to its sum over places. H and J are residual perceptrons, 8 layers in the paper, all
    spectrally normalized.

    Args:
        image_size: 32, 64, 128, 256 or 512.
        latent_dim: Length of the latent vectors.
        width: Channels of the widest map of F.
        units: Width of H and J; 2,048 in the paper.
        blocks: Number of blocks of two layers in each of H and J; 4 in the paper.
        attention: As for `biggan_discriminator`.
        channels: Channels of the images.

    Returns:
        A Keras model of `images` and `latents` with the outputs `{"images", "latents", "joint"}`, logits of shape
        (batch, 1) each; its layer `features` is F.
    """
    factors, downs = sized(DISCRIMINATOR, image_size)
    attention = of_height_64(image_size, downs, True) if attention is None else attention
    images = x = keras.Input((image_size, image_size, channels), name="images")
    latents = keras.Input((latent_dim,), name="latents")
    for place, factor in enumerate(factors):
        x = discriminator_block(
            x, width * factor, KIT.convolution, f"block{place}", down=place < downs, first=place == 0
        )
        if place in attention:
            x = KIT.attention(f"attention{place}")(x)
    of_images = sum_pooled(x)
    of_latents = perceptron(latents, units, blocks, KIT.dense, "latents")
    of_both = perceptron(layers.Concatenate()([of_images, of_latents]), units, blocks, KIT.dense, "joint")
    features = dict(zip(SCORES, (of_images, of_latents, of_both), strict=True))
    logits = {name: KIT.dense(1, f"{name}_score")(value) for name, value in features.items()}
    return keras.Model([images, latents], logits, name="discriminator")


def perceptron(x, units, blocks, dense, name, normalize=None):
    """A residual perceptron of `2 * blocks` layers: (ReLU, dense, ReLU, dense) + shortcut, and a ReLU at its end.

    The first block begins without a ReLU, and has a dense layer in its shortcut where the widths differ.

    Args:
        x: Symbolic tensor of shape (batch, any width).
        units: Width of all layers.
        blocks: Number of blocks.
        dense: Function of the number of units and a name that makes a layer.
        name: Prefix of the layers' names.
        normalize: Function of a tensor and a name that normalizes it before each ReLU, or None.

    Returns:
        Symbolic tensor of shape (batch, units).
    """

    def activated(h, place):
        return layers.ReLU()(normalize(h, f"{name}_normalization{place}") if normalize else h)

    for block in range(blocks):
        h = activated(x, 2 * block) if block else x
        h = dense(units, f"{name}_dense{2 * block}")(h)
        h = dense(units, f"{name}_dense{2 * block + 1}")(activated(h, 2 * block + 1))
        shortcut = x if x.shape[-1] == units else dense(units, f"{name}_shortcut")(x)
        x = layers.Add(name=f"{name}_block{block}")([h, shortcut])
    return activated(x, 2 * blocks)


def bigbigan_encoder(
    image_size, latent_dim=120, widths=(64, 128, 256, 512), depths=(3, 4, 6, 3), units=4096, blocks=2, channels=3
):
    """The encoder: a residual network, the mean over places, a residual perceptron, mean and spread of the latents.

    With the default sizes it is ResNet-50, here with the activations before the convolutions, which the paper leaves
    open. Images of up to 64 pixels begin with a 3 x 3 convolution instead of a 7 x 7 one and a pooling.

    Args:
        image_size: Height and width of its input, which may be larger than what is generated (256 for 128 in the
            paper).
        latent_dim: Length of the latent vectors.
        widths: Inner channels of each stage; four times as many come out.
        depths: Number of blocks of each stage; each but the first halves the size.
        units: Width of the perceptron; 4,096 in the paper.
        blocks: Number of its blocks of two layers; 2 in the paper.
        channels: Channels of the images.

    Returns:
        A Keras model of `images` with the outputs `{"mean", "spread"}` of shape (batch, latent_dim), whose
        distribution `drawn_latents` draws from; its layer `features` is what a linear probe is trained on.
    """
    images = keras.Input((image_size, image_size, channels), name="images")

    def convolution(x, filters, size, strides, name):
        options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal", "name": name}
        return layers.Conv2D(filters, size, strides=strides, **options)(x)

    def activated(x, name):
        return layers.ReLU()(batch_normalization(name=name)(x))

    if image_size > 64:
        x = layers.MaxPooling2D(3, 2, padding="same")(convolution(images, widths[0], 7, 2, "input"))
    else:
        x = convolution(images, widths[0], 3, 1, "input")
    for stage, (filters, depth) in enumerate(zip(widths, depths, strict=True)):
        for step in range(depth):
            name, strides = f"stage{stage}_{step}", 2 if stage and not step else 1
            h = activated(x, f"{name}_normalization1")
            shortcut = x if step else convolution(h, 4 * filters, 1, strides, f"{name}_shortcut")
            h = activated(convolution(h, filters, 1, 1, f"{name}_convolution1"), f"{name}_normalization2")
            h = activated(convolution(h, filters, 3, strides, f"{name}_convolution2"), f"{name}_normalization3")
            x = layers.Add(name=name)([convolution(h, 4 * filters, 1, 1, f"{name}_convolution3"), shortcut])
    features = layers.GlobalAveragePooling2D(name="features")(activated(x, "normalization"))

    def dense(size, name):
        return layers.Dense(size, kernel_initializer="he_normal", name=name)

    h = perceptron(features, units, blocks, dense, "head", lambda h, name: batch_normalization(name=name)(h))
    outputs = {
        name: layers.Dense(latent_dim, kernel_initializer=orthogonal(), dtype=keras.config.floatx(), name=name)(h)
        for name in ("mean", "spread")
    }
    return keras.Model(images, outputs, name="encoder")


def features_of(encoder):
    """The encoder as a model of `images` whose output is the mean over places, on which linear probes are trained."""
    return keras.Model(encoder.inputs, encoder.get_layer("features").output, name="features")
