"""StyleGAN2 in PyTorch (Karras et al. 2020, arXiv:1912.04958), beside which `benchmarks.accelerator` measures ours.

Configuration F: skip connections of images in the generator, a residual discriminator, the non-saturating loss with R1
each 16 steps and the path length each 4 steps on half a batch, style mixing. Convolutions are modulated by scaling
their inputs and outputs (section 2.2), not by kernels of each sample in groups, so that there is one convolution for
the batch. The filter (1, 3, 3, 1) is a depthwise convolution. `torch.compile` cannot differentiate twice, so the lazy
phases run without it.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from benchmarks.torch_game import TorchGame

TAPS = (1.0, 3.0, 3.0, 1.0)
HALF = math.sqrt(0.5)
R1_INTERVAL, PATH_INTERVAL = 16, 4
PATH_WEIGHT, PATH_DECAY, PATH_SHRINK = 2.0, 0.01, 2
MIXING, GROUP = 0.9, 4
RATE = 2.5e-3


def stage_widths(size, channel_base, channel_max):
    """Channels of the maps of 4, 8, ..., size pixels."""
    return [max(1, min(channel_base // each, channel_max)) for each in _sizes(size)]


def _sizes(size):
    return [4 << stage for stage in range(round(math.log2(size)) - 1)]


class Filter(nn.Module):
    """Filters each channel with (1, 3, 3, 1) along both axes.

    Args:
        gain: Sum of the filter.
        padding: Zeros on each side.
        down: Stride.
    """

    def __init__(self, gain=1.0, padding=0, down=1):
        super().__init__()
        taps = torch.tensor(TAPS) / sum(TAPS)
        self.register_buffer("kernel", gain * torch.outer(taps, taps)[None, None])
        self.padding, self.down = padding, down

    def forward(self, x):
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return functional.conv2d(x, kernel, stride=self.down, padding=self.padding, groups=channels)


class Enlarge(nn.Module):
    """Images of twice the size: zeros between the pixels, then the filter."""

    def __init__(self):
        super().__init__()
        taps = torch.tensor(TAPS) / sum(TAPS)
        self.register_buffer("kernel", 4.0 * torch.outer(taps, taps)[None, None])

    def forward(self, x):
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, 4, 4)
        return functional.conv_transpose2d(x, kernel, stride=2, padding=1, groups=channels)


class Dense(nn.Module):
    """A dense layer with an equalized learning rate."""

    def __init__(self, inputs, outputs, multiplier=1.0, start=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), start / multiplier))
        self.scale, self.multiplier = multiplier / math.sqrt(inputs), multiplier

    def forward(self, x):
        return functional.linear(x, self.weight * self.scale, self.bias * self.multiplier)


class Convolution(nn.Module):
    """A convolution with an equalized learning rate."""

    def __init__(self, inputs, outputs, size, stride=1, padding=None, bias=True, gain=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.stride = gain / math.sqrt(inputs * size**2), stride
        self.padding = size // 2 if padding is None else padding

    def forward(self, x):
        return functional.conv2d(x, self.weight * self.scale, self.bias, self.stride, self.padding)


class Modulated(nn.Module):
    """A convolution that a style modulates.

    Args:
        inputs: Channels of the inputs.
        outputs: Channels of the outputs.
        size: Height and width of the kernel.
        style: Length of the style.
        up: Whether outputs have twice the size.
        demodulate: Whether outputs are normalized.
    """

    def __init__(self, inputs, outputs, size, style, up=False, demodulate=True):
        super().__init__()
        self.style = Dense(style, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.up, self.demodulate, self.padding = up, demodulate, size // 2
        self.scale = 1.0 if demodulate else 1.0 / math.sqrt(inputs * size**2)
        self.smooth = Filter(4.0, padding=1) if up else None

    def forward(self, x, style):
        scales = self.style(style) * self.scale
        x = x * scales[:, :, None, None]
        if self.smooth is not None:
            x = functional.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = self.smooth(x)
        else:
            x = functional.conv2d(x, self.weight, padding=self.padding)
        if self.demodulate:
            with torch.autocast(x.device.type, enabled=False):
                squares = self.weight.float().square().sum((2, 3))
                norms = torch.rsqrt(scales.float().square() @ squares.t() + 1e-8)
            x = x * norms.to(x.dtype)[:, :, None, None]
        return x + self.bias.to(x.dtype)[:, None, None]


class Styled(nn.Module):
    """A modulated 3x3 convolution, noise and the activation."""

    def __init__(self, inputs, outputs, style, up=False):
        super().__init__()
        self.convolution = Modulated(inputs, outputs, 3, style, up)
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x, style):
        x = self.convolution(x, style)
        noise = torch.randn(len(x), 1, *x.shape[2:], device=x.device, dtype=x.dtype)
        return activated(x + noise * self.strength.to(x.dtype))


def activated(x, scale=1.0):
    """Leaky ReLU times sqrt(2), and times a scale."""
    return functional.leaky_relu(x, 0.2) * (math.sqrt(2) * scale)


class Mapping(nn.Module):
    """Latents to styles."""

    def __init__(self, latents, style, depth):
        super().__init__()
        sizes = [latents] + [style] * depth
        self.layers = nn.ModuleList(Dense(a, b, 0.01) for a, b in itertools.pairwise(sizes))
        self.register_buffer("mean", torch.zeros(style))

    def forward(self, latents):
        x = latents * torch.rsqrt(latents.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = activated(layer(x))
        if self.training:
            with torch.no_grad():
                self.mean.lerp_(x.float().mean(0), 0.005)
        return x


class Synthesis(nn.Module):
    """Styles of shape (batch, layers, length) to images."""

    def __init__(self, size, channels, widths, style):
        super().__init__()
        self.constant = nn.Parameter(torch.randn(widths[0], 4, 4))
        self.convolutions, self.colors = nn.ModuleList(), nn.ModuleList()
        for stage, width in enumerate(widths):
            if stage:
                self.convolutions.append(Styled(widths[stage - 1], width, style, up=True))
            self.convolutions.append(Styled(width, width, style))
            self.colors.append(Modulated(width, channels, 1, style, demodulate=False))
        self.enlarge = Enlarge()
        self.count = 2 * len(widths)

    def forward(self, styles):
        x = self.constant.expand(len(styles), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        convolutions, images = iter(self.convolutions), None
        for stage, colors in enumerate(self.colors):
            if stage:
                x = next(convolutions)(x, styles[:, 2 * stage - 1])
            x = next(convolutions)(x, styles[:, 2 * stage])
            new = colors(x, styles[:, 2 * stage + 1])
            images = new if images is None else self.enlarge(images) + new
        return images.float()


class Stage(nn.Module):
    """A stage of the residual discriminator: 3x3, filter and 3x3 of stride 2, beside filter and 1x1."""

    def __init__(self, before, after):
        super().__init__()
        self.first, self.second = Convolution(before, before, 3), Convolution(before, after, 3, 2, 0)
        self.skip = Convolution(before, after, 1, bias=False, gain=HALF)
        self.smooth, self.shrink = Filter(padding=2), Filter(padding=1, down=2)

    def forward(self, x):
        y = activated(self.second(self.smooth(activated(self.first(x)))), HALF)
        return y + self.skip(self.shrink(x))


class Discriminator(nn.Module):
    """Images to logits of shape (batch,)."""

    def __init__(self, channels, widths, group=GROUP):
        super().__init__()
        self.colors = Convolution(channels, widths[-1], 1)
        self.stages = nn.Sequential(*(Stage(widths[i], widths[i - 1]) for i in range(len(widths) - 1, 0, -1)))
        self.last = Convolution(widths[0] + 1, widths[0], 3)
        self.features, self.logits = Dense(16 * widths[0], widths[0]), Dense(widths[0], 1)
        self.group = group

    def forward(self, images):
        x = self.stages(activated(self.colors(images)))
        groups = x.float().unflatten(0, (min(self.group, len(x)), -1))
        deviation = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
        plane = deviation.repeat(min(self.group, len(x)))[:, None, None, None].expand(-1, 1, *x.shape[2:])
        x = activated(self.last(torch.cat([x, plane.to(x.dtype)], dim=1)))
        return self.logits(activated(self.features(x.flatten(1)))).squeeze(1)


class StyleGAN2(TorchGame):
    """Adam with betas (0, 0.99), corrected for the lazy penalties (appendix B)."""

    period = R1_INTERVAL

    def __init__(self, networks, batch, image_shape, device, latents, gamma):
        super().__init__(networks, batch, image_shape, device, averaged=("mapping", "generator"))
        self.latents, self.gamma = latents, gamma
        shares = [interval / (interval + 1) for interval in (R1_INTERVAL, PATH_INTERVAL)]
        players = (("discriminator",), ("mapping", "generator"))
        self.discriminator_optimizer, self.generator_optimizer = (
            self.adam(*names, rate=RATE * share, betas=(0.0, 0.99**share))
            for names, share in zip(players, shares, strict=True)
        )
        self.path_length = torch.zeros((), device=device)

    def styles(self, count):
        """Styles of new latents, a part of them mixed with those of others."""
        layers = self.networks["generator"].count
        latents, others = (torch.randn(count, self.latents, device=self.device) for _ in range(2))
        first = self.mapping(latents)[:, None]
        self.networks["mapping"].eval()
        second = self.mapping(others)[:, None]
        self.networks["mapping"].train()
        crossovers = torch.randint(1, layers, (count, 1, 1), device=self.device)
        mixed = torch.rand(count, 1, 1, device=self.device) < MIXING
        places = torch.arange(layers, device=self.device)[None, :, None]
        return torch.where(mixed & (places >= crossovers), second, first)

    def step(self, index):
        """Updates of the discriminator and the generator, then the lazy penalties that are due."""
        with self.autocast():
            with torch.no_grad():
                fake = self.generator(self.styles(self.batch))
            # One after the other, as the deviation of a minibatch is that of real or of generated images.
            fake, real = self.discriminator(fake), self.discriminator(self.real)
            loss = functional.softplus(fake.float()).mean() + functional.softplus(-real.float()).mean()
        self.update(self.discriminator_optimizer, loss, "discriminator")
        self.freeze("discriminator")
        with self.autocast():
            logits = self.discriminator(self.generator(self.styles(self.batch)))
            loss = functional.softplus(-logits.float()).mean()
        self.update(self.generator_optimizer, loss, "generator")
        self.freeze("discriminator", False)
        if index % R1_INTERVAL == 0:
            self.update(self.discriminator_optimizer, self.r1(), "r1")
        if index % PATH_INTERVAL == 0:
            self.update(self.generator_optimizer, self.path(), "path")
        self.average()

    def r1(self):
        """gamma / 2 times the squared norm of the logits' gradient at real images, times the interval."""
        real = self.real.detach().requires_grad_(True)
        with self.autocast():
            logits = self.networks["discriminator"](real)
        (slopes,) = torch.autograd.grad(logits.float().sum(), real, create_graph=True)
        return R1_INTERVAL * 0.5 * self.gamma * slopes.float().square().sum((1, 2, 3)).mean()

    def path(self):
        """The squared distance of path lengths from their moving mean, times weight and interval."""
        count = -(-self.batch // PATH_SHRINK)
        with self.autocast():
            styles = self.styles(count)
            images = self.networks["generator"](styles)
        noise = torch.randn_like(images) / math.sqrt(images.shape[2] * images.shape[3])
        (slopes,) = torch.autograd.grad((images * noise).sum(), styles, create_graph=True)
        lengths = slopes.float().square().sum(2).mean(1).sqrt()
        moved = self.path_length + PATH_DECAY * (lengths.mean() - self.path_length)
        self.path_length = moved.detach()
        return PATH_INTERVAL * PATH_WEIGHT * (lengths - moved).square().mean()


def networks(arguments):
    """`{name: module}` for the arguments of `kerasgan.StyleGAN2`."""
    size, _, channels = arguments["image_shape"]
    widths = stage_widths(size, arguments.get("channel_base", 32768), arguments.get("channel_max", 512))
    latents, style = arguments.get("latent_dim", 512), arguments.get("style_dim", 512)
    return {
        "mapping": Mapping(latents, style, arguments.get("depth", 8)),
        "generator": Synthesis(size, channels, widths, style),
        "discriminator": Discriminator(channels, widths),
    }


def game(arguments, batch, device):
    """The game for the arguments of `kerasgan.StyleGAN2`."""
    shape = arguments["image_shape"]
    gamma = 0.0002 * shape[0] * shape[1] / batch
    return StyleGAN2(networks(arguments), batch, shape, device, arguments.get("latent_dim", 512), gamma)


def on_cpu(arguments, batch):
    """The steps of a period in float32 on the processor: a callable without arguments."""
    played = game(arguments, batch, torch.device("cpu"))
    played.mixed_precision = False

    def steps():
        for index in range(played.period):
            played.step(index)

    return steps
