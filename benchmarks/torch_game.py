"""What the games in PyTorch share: channels last, bfloat16 autocast, Adam, moving averages, `torch.compile`.

Their networks are written from the papers and are those of the Keras families, parameter for parameter. A game is made
by the function `game(arguments, batch, device)` of its module, with the arguments of the Keras family's constructor.
"""

import math

import torch
from torch import nn
from torch.nn import functional


class TorchGame:
    """A game of networks in training on a fixed batch of random images.

    A subclass defines `step`. `period` is the number of steps after which the phases repeat; `mixed_precision` says
    whether to compute in bfloat16.

    Args:
        networks: `{name: module}` of "generator" and "discriminator", and further ones.
        batch: Number of images of a step.
        image_shape: (height, width, channels).
        device: Device of the networks.
        averaged: Names of the networks of which a moving average is kept.
        decay: Decay of the moving averages.
    """

    period = 1
    mixed_precision = True

    def __init__(self, networks, batch, image_shape, device, averaged=("generator",), decay=0.999):
        self.device, self.batch, self.decay = device, batch, decay
        self.networks = {name: each.to(device, memory_format=torch.channels_last) for name, each in networks.items()}
        for name, each in self.networks.items():
            setattr(self, name, each)
        height, width, channels = image_shape
        images = 2.0 * torch.rand(batch, channels, height, width, device=device) - 1.0
        self.real = images.contiguous(memory_format=torch.channels_last)
        self.averaged = [p for name in averaged for p in self.networks[name].parameters()]
        self.averages = [p.detach().clone() for p in self.averaged]
        self.losses: dict[str, torch.Tensor] = {}

    def step(self, index):
        """Runs the step with this index within the period."""
        raise NotImplementedError

    def compile(self):
        """Compiles the forward and backward passes of the networks, which share their parameters with the others."""
        for name, network in self.networks.items():
            setattr(self, name, torch.compile(network))

    def adam(self, *names, rate, betas, epsilon=1e-8):
        """Adam of the parameters of some networks."""
        parameters = [p for name in names for p in self.networks[name].parameters()]
        return torch.optim.Adam(parameters, rate, betas, epsilon, fused=True)

    def autocast(self):
        """Context in which convolutions and products are computed in bfloat16, if `mixed_precision`."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed_precision)

    def freeze(self, name, frozen=True):
        """Switches off, or on again, the gradients of a network that is not trained in a phase."""
        self.networks[name].requires_grad_(not frozen)

    def update(self, optimizer, loss, name):
        """An update of the trained parameters by the gradient of a loss."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        self.losses[name] = loss.detach()

    @torch.no_grad()
    def average(self):
        """Moves the averages towards the parameters."""
        torch._foreach_lerp_(self.averages, self.averaged, 1.0 - self.decay)

    def parameter_counts(self):
        """Number of trainable parameters of each network."""
        return {name: sum(p.numel() for p in each.parameters()) for name, each in self.networks.items()}

    def is_finite(self):
        """Whether the losses of the last step are finite."""
        return all(bool(torch.isfinite(loss)) for loss in self.losses.values())


class SpectralWeight(nn.Module):
    """A weight divided by its largest singular value (Miyato et al. 2018): one power iteration in each call.

    Args:
        *shape: Shape of the weight, output channels first.
    """

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape) / math.sqrt(math.prod(shape[1:])))
        self.register_buffer("u", functional.normalize(torch.randn(shape[0]), dim=0))

    def forward(self):
        with torch.autocast(self.weight.device.type, enabled=False):
            matrix = self.weight.flatten(1)
            with torch.no_grad():
                v = functional.normalize(matrix.t().mv(self.u), dim=0)
                u = functional.normalize(matrix.mv(v), dim=0)
                if self.training:
                    self.u.copy_(u)
            return self.weight / torch.dot(u, matrix.mv(v))


class SpectralConv2d(nn.Module):
    """A convolution with spectral normalization that keeps height and width."""

    def __init__(self, inputs, outputs, size, bias=True):
        super().__init__()
        self.kernel = SpectralWeight(outputs, inputs, size, size)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.padding = size // 2

    def forward(self, x):
        return functional.conv2d(x, self.kernel(), self.bias, padding=self.padding)


class SpectralLinear(nn.Module):
    """A dense layer with spectral normalization."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.kernel = SpectralWeight(outputs, inputs)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x):
        return functional.linear(x, self.kernel(), self.bias)
