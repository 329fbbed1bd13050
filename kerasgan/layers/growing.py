"""Networks of growing resolution (Karras et al. 2018, "Progressive Growing of GANs...", section 2).

Stage 0 has the smallest images; each further stage doubles height and width. A growing network is a single Keras model
that holds the weights of all stages, with one output per stage, `stage0`, `stage1`, ..., and one for each fade from the
previous stage, `fading1`, .... `at_stage` returns the network of one stage.
"""

import math

import keras
from keras import layers

from kerasgan.layers.equalized import EqualizedConv2D, EqualizedDense
from kerasgan.layers.fade import Fade
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.layers.minibatch_deviation import MinibatchStandardDeviation
from kerasgan.layers.resample import Resample

ROOT2 = math.sqrt(2)


def stage_widths(stages, channel_base=16384, channel_max=512):
    """Channels of the stages of 4, 8, 16, ... pixels (or the corresponding stages of images of another shape).

    Args:
        stages: Number of stages.
        channel_base: Channels of a stage multiplied by its size. 16384 in ProGAN and StyleGAN; 32768 in StyleGAN2's
            configuration F.
        channel_max: Largest number of channels.

    Returns:
        A tuple, smallest size first.
    """
    return tuple(max(1, min(channel_base // (4 << stage), channel_max)) for stage in range(stages))


def stage_key(stage, fading=False):
    """Name of the output of a stage."""
    return f"{'fading' if fading else 'stage'}{stage}"


def share_input():
    """The symbolic input `share`: the share in [0, 1] of the newest stage in a fade, shape (batch, 1)."""
    return keras.Input((1,), name="share")


def at_stage(network, stage, fading=False):
    """Returns the network of one stage, which shares the weights of the growing network.

    Args:
        network: A growing generator or discriminator.
        stage: Number of the stage, 0 for the smallest images.
        fading: Whether the previous stage is fading out; the network then has an additional input `share`.

    Returns:
        `keras.Model` with only the inputs it needs: the images of the stage, and `share` in a fade.

    Raises:
        ValueError: If the network has no such stage.
    """
    key = stage_key(stage, fading)
    if key not in network.output:
        raise ValueError(f"stage is {stage} and fading {fading}, expected one of {', '.join(network.output)}.")
    others = {tensor.name for tensor in network.inputs if tensor.name.startswith("images")} - {f"images{stage}"}
    others |= set() if fading else {"share"}
    inputs = [tensor for tensor in network.inputs if tensor.name not in others]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], network.output[key], name=f"{network.name}_{key}")


def growing_images(features, channels, share, first=0):
    """Images of all stages from their features.

    Args:
        features: List of tensors (batch, height, width, width of the stage), smallest first.
        channels: Number of channels of the images.
        share: See `share_input`.
        first: First stage with images.

    Returns:
        `{name of the output: images}`. Images of a fading stage are blended, by its share, with those of the previous
        stage, whose pixels are repeated.
    """
    outputs, old = {}, None
    for stage, x in enumerate(features):
        if stage < first:
            continue
        new = EqualizedConv2D(channels, 1, name=f"stage{stage}_colors")(x)
        if old is not None:
            old = layers.UpSampling2D(2, name=f"stage{stage}_old")(old)
            outputs[stage_key(stage, True)] = finished(Fade(name=f"stage{stage}_fade")([old, new, share]), stage, True)
        outputs[stage_key(stage)], old = finished(new, stage), new
    return outputs


def finished(images, stage, fading=False):
    """Images in Keras' float type, named like the outputs."""
    return layers.Activation("linear", dtype=keras.config.floatx(), name=f"images_{stage_key(stage, fading)}")(images)


def growing_discriminator(
    smallest, channels, stage_widths, num_classes=None, first=0, taps=None, group_size=4, logits=1, **deviation
):
    """A discriminator of growing images (tables 2 and 3 of ProGAN's paper).

    Each stage has two 3x3 convolutions and averages 2x2 pixels; at the end follow the minibatch standard deviation, a
    convolution and two dense layers. All layers have leaky ReLUs (0.2) and equalized learning rates.

    Args:
        smallest: (height, width) of stage 0.
        channels: Number of channels of the images.
        stage_widths: Channels of the stages, smallest first.
        num_classes: Number of classes whose logits are a second output, as in AC-GAN. None for no such output.
        first: First stage with images.
        taps: Taps of a filter before the second convolution of a stage, (1, 2, 1) in StyleGAN. None for no filter.
        group_size: See `MinibatchStandardDeviation`.
        logits: Number of logits: one per class if the label selects among them.
        **deviation: See `MinibatchStandardDeviation`.

    Returns:
        A growing `keras.Model` of the inputs `images<stage>` and `share` with logits of shape (batch, logits), or
        [logits, class logits].
    """

    def act(x, name):
        return LeakyReLU(0.2, name=f"{name}_activation")(x)

    share = share_input()
    options = {"gain": ROOT2}
    colors = [EqualizedConv2D(width, 1, name=f"stage{i}_colors", **options) for i, width in enumerate(stage_widths)]
    blocks: list = [None]
    for stage, width in enumerate(stage_widths[1:], 1):
        convolutions = [
            EqualizedConv2D(width, 3, name=f"stage{stage}_conv0", **options),
            EqualizedConv2D(stage_widths[stage - 1], 3, name=f"stage{stage}_conv1", **options),
        ]
        smooth = Resample(taps=taps, name=f"stage{stage}_smoothed") if taps else None
        blocks.append((*convolutions, smooth, layers.AveragePooling2D(2, name=f"stage{stage}_shrunk")))
    deviation = MinibatchStandardDeviation(group_size, name="deviation", **deviation)
    convolution = EqualizedConv2D(stage_widths[0], 3, name="conv", **options)
    flat, dense = layers.Flatten(name="flat"), EqualizedDense(stage_widths[0], name="features", **options)
    heads = [EqualizedDense(logits, name="logits")]
    heads += [EqualizedDense(num_classes, name="class_logits")] if num_classes else []

    def block(x, stage, prefix):
        first, second, smooth, shrink = blocks[stage]
        x = act(first(x), f"{prefix}_stage{stage}_conv0")
        x = x if smooth is None else smooth(x)
        return shrink(act(second(x), f"{prefix}_stage{stage}_conv1"))

    def seen(images, stage, prefix):
        return act(colors[stage](images), f"{prefix}_stage{stage}_colors")

    def judge(x, prefix):
        x = act(convolution(deviation(x)), f"{prefix}_conv")
        x = act(dense(flat(x)), f"{prefix}_features")
        outputs = [head(x) for head in heads]
        return outputs if len(outputs) > 1 else outputs[0]

    inputs, outputs = [], {}
    for stage in range(first, len(stage_widths)):
        shape = (smallest[0] << stage, smallest[1] << stage, channels)
        images = keras.Input(shape, name=f"images{stage}")
        inputs.append(images)
        for fading in (False, True)[: 1 + (stage > first)]:
            key = stage_key(stage, fading)
            x = seen(images, stage, key)
            for place in range(stage, 0, -1):
                x = block(x, place, key)
                if fading and place == stage:
                    old = seen(layers.AveragePooling2D(2, name=f"{key}_old")(images), stage - 1, key)
                    x = Fade(name=f"{key}_fade")([old, x, share])
            outputs[key] = judge(x, key)
    fades = len(stage_widths) > first + 1
    return keras.Model([*inputs, share] if fades else inputs, outputs, name="discriminator")
