"""BigGAN in PyTorch (Brock et al. 2019, arXiv:1809.11096), beside which `benchmarks.accelerator` measures ours.

The networks are those of appendix B with hierarchical latents, a shared embedding and self-attention; the losses are
hinges, one update of each player a step, each with latents of its own. Real and generated images pass the discriminator
in one batch. Attention is PyTorch's fused one.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional

from benchmarks.torch_game import SpectralConv2d, SpectralLinear, SpectralWeight, TorchGame

# Channels of the generator's first map and behind each doubling, and of the discriminator's blocks with the number of
# those that halve the size, in units of the width (tables 4 to 9).
GENERATOR = {128: (16, 16, 8, 4, 2, 1)}
DISCRIMINATOR = {128: ((1, 2, 4, 8, 16, 16), 5)}


class Attention(nn.Module):
    """x + gamma o(attention), with keys and values at half the height and width (Zhang et al. 2019)."""

    def __init__(self, channels):
        super().__init__()
        self.theta, self.phi = (SpectralConv2d(channels, channels // 8, 1, bias=False) for _ in range(2))
        self.g = SpectralConv2d(channels, channels // 2, 1, bias=False)
        self.o = SpectralConv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        _, _, height, width = x.shape
        queries = self.theta(x).flatten(2).transpose(1, 2)
        keys = functional.max_pool2d(self.phi(x), 2).flatten(2).transpose(1, 2)
        values = functional.max_pool2d(self.g(x), 2).flatten(2).transpose(1, 2)
        seen = functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)
        return x + self.gamma * self.o(seen.transpose(1, 2).unflatten(2, (height, width)))


class ConditionalNorm(nn.Module):
    """Batch normalization whose gain and offset are linear functions of a vector."""

    def __init__(self, channels, told):
        super().__init__()
        self.normalization = nn.BatchNorm2d(channels, eps=1e-5, affine=False)
        self.gain, self.offset = (SpectralLinear(told, channels, bias=False) for _ in range(2))

    def forward(self, x, vector):
        gain, offset = self.gain(vector)[:, :, None, None], self.offset(vector)[:, :, None, None]
        return self.normalization(x) * (1.0 + gain) + offset


class GeneratorBlock(nn.Module):
    """norm, ReLU, double, 3x3, norm, ReLU, 3x3, beside a 1x1 convolution of the doubled input."""

    def __init__(self, before, after, told):
        super().__init__()
        self.norm1, self.norm2 = ConditionalNorm(before, told), ConditionalNorm(after, told)
        self.conv1, self.conv2 = SpectralConv2d(before, after, 3), SpectralConv2d(after, after, 3)
        self.shortcut = SpectralConv2d(before, after, 1)

    def forward(self, x, vector):
        h = functional.interpolate(functional.relu(self.norm1(x, vector)), scale_factor=2)
        h = self.conv2(functional.relu(self.norm2(self.conv1(h), vector)))
        # A 1x1 convolution commutes with the repetition of pixels, and is computed at the smaller size.
        return h + functional.interpolate(self.shortcut(x), scale_factor=2)


class Generator(nn.Module):
    """Latents and labels to images of shape (batch, channels, size, size)."""

    def __init__(self, size, channels, widths, latents, classes, embedding, attention):
        super().__init__()
        self.chunk = latents // len(widths)
        self.small = size >> (len(widths) - 1)
        self.embedding = nn.Embedding(classes, embedding)
        self.stem = SpectralLinear(self.chunk, widths[0] * self.small**2)
        told = embedding + self.chunk
        self.blocks = nn.ModuleList(GeneratorBlock(a, b, told) for a, b in itertools.pairwise(widths))
        self.attention = nn.ModuleDict({str(place): Attention(widths[place + 1]) for place in attention})
        self.norm = nn.BatchNorm2d(widths[-1], eps=1e-5)
        self.colors = SpectralConv2d(widths[-1], channels, 3)

    def forward(self, latents, labels):
        first, *chunks = latents.split(self.chunk, dim=1)
        vectors = self.embedding(labels)
        x = self.stem(first).view(len(latents), -1, self.small, self.small)
        x = x.contiguous(memory_format=torch.channels_last)
        for place, (block, chunk) in enumerate(zip(self.blocks, chunks, strict=True)):
            x = block(x, torch.cat([vectors, chunk], dim=1))
            if str(place) in self.attention:
                x = self.attention[str(place)](x)
        return torch.tanh(self.colors(functional.relu(self.norm(x))))


class DiscriminatorBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, halve, beside a 1x1 convolution and a halving."""

    def __init__(self, before, after, down, first):
        super().__init__()
        self.down, self.first = down, first
        self.conv1, self.conv2 = SpectralConv2d(before, after, 3), SpectralConv2d(after, after, 3)
        self.shortcut = SpectralConv2d(before, after, 1) if down or before != after else None

    def forward(self, x):
        h = self.conv2(functional.relu(self.conv1(x if self.first else functional.relu(x))))
        if self.down:  # the mean of pixels commutes with the 1x1 convolution of the shortcut
            h, x = functional.avg_pool2d(h, 2), functional.avg_pool2d(x, 2)
        return h + (x if self.shortcut is None else self.shortcut(x))


class Discriminator(nn.Module):
    """Images and labels to logits of shape (batch,), with projection."""

    def __init__(self, channels, widths, downs, classes, attention):
        super().__init__()
        befores = (channels, *widths)
        self.blocks = nn.ModuleList(
            DiscriminatorBlock(befores[i], width, i < downs, i == 0) for i, width in enumerate(widths)
        )
        self.attention = nn.ModuleDict({str(place): Attention(widths[place]) for place in attention})
        self.score = SpectralLinear(widths[-1], 1)
        self.projection = SpectralWeight(classes, widths[-1])

    def forward(self, images, labels):
        x = images
        for place, block in enumerate(self.blocks):
            x = block(x)
            if str(place) in self.attention:
                x = self.attention[str(place)](x)
        features = functional.relu(x).float().sum((2, 3))
        return self.score(features).squeeze(1) + (functional.embedding(labels, self.projection()) * features).sum(1)


class BigGAN(TorchGame):
    """Hinge losses, Adam with betas (0, 0.999)."""

    def __init__(self, networks, batch, image_shape, device, latents, classes):
        super().__init__(networks, batch, image_shape, device)
        self.latents, self.labels = latents, torch.randint(classes, (batch,), device=device)
        self.discriminator_optimizer = self.adam("discriminator", rate=4e-4, betas=(0.0, 0.999), epsilon=1e-6)
        self.generator_optimizer = self.adam("generator", rate=1e-4, betas=(0.0, 0.999), epsilon=1e-6)

    def generated(self):
        """New images for the batch's labels."""
        return self.generator(torch.randn(self.batch, self.latents, device=self.device), self.labels)

    def step(self, index):
        """An update of the discriminator, then one of the generator."""
        with self.autocast():
            with torch.no_grad():
                fake = self.generated()
            both = torch.cat([self.real, fake.to(self.real.dtype)])
            real, fake = self.discriminator(both, self.labels.repeat(2)).float().chunk(2)
            loss = functional.relu(1.0 - real).mean() + functional.relu(1.0 + fake).mean()
        self.update(self.discriminator_optimizer, loss, "discriminator")
        self.freeze("discriminator")
        self.networks["discriminator"].eval()  # the singular vectors move in the discriminator's own update only
        with self.autocast():
            loss = -self.discriminator(self.generated(), self.labels).float().mean()
        self.update(self.generator_optimizer, loss, "generator")
        self.networks["discriminator"].train()
        self.freeze("discriminator", False)
        self.average()


def networks(arguments):
    """`{name: module}` for the arguments of `kerasgan.BigGAN`."""
    size, _, channels = arguments["image_shape"]
    width, classes, latents = arguments.get("width", 96), arguments["num_classes"], arguments.get("latent_dim", 120)
    widths = arguments.get("generator_widths") or tuple(width * each for each in GENERATOR[size])
    if "discriminator_widths" in arguments:
        judging, downs = arguments["discriminator_widths"], len(arguments["discriminator_widths"]) - 1
    else:
        judging, downs = tuple(width * each for each in DISCRIMINATOR[size][0]), DISCRIMINATOR[size][1]
    places = {128: ((3,), (0,))}.get(size)  # of maps of 64 x 64
    attention = [arguments.get(f"{name}_attention") for name in ("generator", "discriminator")]
    first, second = (places[i] if each is None else each for i, each in enumerate(attention))
    embedding = arguments.get("embedding", 128)
    return {
        "generator": Generator(size, channels, widths, latents, classes, embedding, first),
        "discriminator": Discriminator(channels, judging, downs, classes, second),
    }


def game(arguments, batch, device):
    """The game for the arguments of `kerasgan.BigGAN`."""
    return BigGAN(
        networks(arguments),
        batch,
        arguments["image_shape"],
        device,
        arguments.get("latent_dim", 120),
        arguments["num_classes"],
    )
