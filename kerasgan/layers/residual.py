"""Residual blocks shared by SNGAN, SAGAN, BigGAN and BigGAN-deep."""

from keras import layers

from kerasgan.layers.resample import BILINEAR, Resample


def enlarge(x, interpolation="nearest", name=None):
    """Doubles the height and width of a map.

    Args:
        x: Tensor of shape (batch, height, width, channels).
        interpolation: "nearest" or "bilinear".
        name: Name of the layer.

    Returns:
        Shape (batch, 2 height, 2 width, channels).
    """
    if interpolation == "bilinear":
        return Resample(up=2, taps=BILINEAR, mirror=True, name=name)(x)
    return layers.UpSampling2D(2, interpolation=interpolation, name=name)(x)


def halve(x, name=None):
    """Halves the height and width of a map by averaging 2 x 2 positions."""
    return layers.AveragePooling2D(2, name=name)(x)


def generator_block(x, channels, convolution, normalize, name, interpolation="nearest"):
    """A block that doubles the size: (norm, ReLU, enlarge, 3 x 3, norm, ReLU, 3 x 3) + (enlarge, 1 x 1).

    Args:
        x: Tensor of shape (batch, height, width, any channels).
        channels: Number of output channels.
        convolution: Function that makes a layer from the number of filters, the kernel size and a name.
        normalize: Function of (map, name) that returns the normalized map.
        name: Prefix of the layers' names.
        interpolation: See `enlarge`.

    Returns:
        Shape (batch, 2 height, 2 width, channels).
    """
    h = layers.ReLU()(normalize(x, f"{name}_normalization1"))
    h = convolution(channels, 3, f"{name}_convolution1")(enlarge(h, interpolation))
    h = layers.ReLU()(normalize(h, f"{name}_normalization2"))
    h = convolution(channels, 3, f"{name}_convolution2")(h)
    shortcut = convolution(channels, 1, f"{name}_shortcut")(enlarge(x, interpolation))
    return layers.Add(name=name)([h, shortcut])


def discriminator_block(x, channels, convolution, name, hidden=None, down=True, first=False, activated=False):
    """A block without normalization: (ReLU, 3 x 3, ReLU, 3 x 3, halve) + (1 x 1, halve).

    Args:
        x: Tensor of shape (batch, height, width, any channels).
        channels: Number of output channels.
        convolution: Function that makes a layer from the number of filters, the kernel size and a name.
        name: Prefix of the layers' names.
        hidden: Number of channels between the convolutions. None for `channels`.
        down: Whether to halve the size. A block that changes neither the size nor the channels has no convolution in
            its shortcut.
        first: Whether this is the network's first block, which starts without a ReLU and halves before the 1 x 1
            convolution.
        activated: Whether the shortcut receives the output of the block's first ReLU, as in mimicry, whose ReLU
            overwrites its input.

    Returns:
        Shape (batch, height / 2, width / 2, channels), or with the size of `x`.
    """
    h = x if first else layers.ReLU()(x)
    x = h if activated else x
    h = convolution(hidden or channels, 3, f"{name}_convolution1")(h)
    h = convolution(channels, 3, f"{name}_convolution2")(layers.ReLU()(h))
    shortcut = halve(x) if first and down else x
    if down or x.shape[-1] != channels:
        shortcut = convolution(channels, 1, f"{name}_shortcut")(shortcut)
    if down:
        h, shortcut = halve(h), shortcut if first else halve(shortcut)
    return layers.Add(name=name)([h, shortcut])


def generator_bottleneck(x, channels, convolution, normalize, name, up=False):
    """A block of BigGAN-deep's generator: 1 x 1, 3 x 3, 3 x 3, 1 x 1, with a quarter of the channels in between.

    A normalization and a ReLU precede each convolution. The shortcut has no convolution: if the number of channels
    falls, it drops the last ones (Brock et al. 2019, appendix B, figure 16).

    Args:
        x: Tensor of shape (batch, height, width, at least `channels`).
        channels: Number of output channels.
        convolution: Function that makes a layer from the number of filters, the kernel size and a name.
        normalize: Function of (map, name) that returns the normalized map.
        name: Prefix of the layers' names.
        up: Whether to double the size, before the first 3 x 3 convolution.

    Returns:
        Shape (batch, height, width, channels), or twice the size.
    """
    hidden, h = x.shape[-1] // 4, x
    for place, (filters, size) in enumerate(((hidden, 1), (hidden, 3), (hidden, 3), (channels, 1)), 1):
        h = layers.ReLU()(normalize(h, f"{name}_normalization{place}"))
        h = enlarge(h) if up and place == 2 else h
        h = convolution(filters, size, f"{name}_convolution{place}")(h)
    shortcut = x if x.shape[-1] == channels else x[..., :channels]
    return layers.Add(name=name)([h, enlarge(shortcut) if up else shortcut])


def discriminator_bottleneck(x, channels, convolution, name, down=False):
    """A block of BigGAN-deep's discriminator: ReLU and 1 x 1, 3 x 3, 3 x 3, 1 x 1, with `channels / 4` in between.

    If the number of channels grows, the shortcut keeps those of `x` and has a 1 x 1 convolution for the others.

    Args:
        x: Tensor of shape (batch, height, width, at most `channels`).
        channels: Number of output channels.
        convolution: Function that makes a layer from the number of filters, the kernel size and a name.
        name: Prefix of the layers' names.
        down: Whether to halve the size, before the last 1 x 1 convolution.

    Returns:
        Shape (batch, height, width, channels), or with half the size.
    """
    hidden, h = channels // 4, x
    for place, (filters, size) in enumerate(((hidden, 1), (hidden, 3), (hidden, 3), (channels, 1)), 1):
        h = layers.ReLU()(h)
        h = halve(h) if down and place == 4 else h
        h = convolution(filters, size, f"{name}_convolution{place}")(h)
    shortcut = halve(x) if down else x
    if x.shape[-1] < channels:
        more = convolution(channels - x.shape[-1], 1, f"{name}_shortcut")(shortcut)
        shortcut = layers.Concatenate()([shortcut, more])
    return layers.Add(name=name)([h, shortcut])
