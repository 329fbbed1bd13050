"""DCGAN in PyTorch, the reference of the speed benchmark.

The networks are those of Radford et al. 2016 (arXiv:1511.06434) with the usual choices in PyTorch, kernel size 4 and
normal latents, for 64×64×3 images: 100 latents, then 4×4×512, 8×8×256, 16×16×128, 32×32×64 and 64×64×3, and the reverse
for the discriminator. Two training steps compute the same mathematics:

* `example`: the step of PyTorch's public DCGAN example, with channels first, default Adam, and separate backward passes
  for real and generated images. The generator's step also computes unused gradients of the discriminator's weights.
* `tuned`: the fastest step that we know, with channels last, fused Adam, and a discriminator that is frozen in the
  generator's step.

Both generate images once per step and use them for both players. `python -m benchmarks.torch_dcgan` compares their
speed. `benchmarks.accelerator` measures a third step, in bfloat16, beside ours on a GPU.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from benchmarks.paired import paired_workers, table
from benchmarks.torch_game import TorchGame

BATCH_SIZE = 64
IMAGE_SIZE = 64
CHANNELS = 3
LATENTS = 100
WIDTH = 64
VARIANTS = ("example", "tuned")


def generator(width: int = WIDTH, steps: int = 4, smallest: int = 4, biases: bool = False) -> nn.Sequential:
    """Returns a network from latents of shape (batch, 100, 1, 1) to images of shape (batch, 3, size, size) in [-1, 1].

    Args:
        width: Channels of the last hidden layer, doubled in each earlier one.
        steps: Number of doublings of the size.
        smallest: Height and width of the first map; 4 with 4 doublings make images of 64 pixels.
        biases: Whether layers without batch normalization have biases.
    """
    layers: list[nn.Module] = []
    channels_in, kernel, stride, padding = LATENTS, smallest, 1, 0
    for step in reversed(range(steps)):
        channels_out = width << step
        layers += [
            nn.ConvTranspose2d(channels_in, channels_out, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        ]
        channels_in, kernel, stride, padding = channels_out, 4, 2, 1
    layers += [nn.ConvTranspose2d(channels_in, CHANNELS, 4, 2, 1, bias=biases), nn.Tanh()]
    return _initialized(nn.Sequential(*layers))


def discriminator(width: int = WIDTH, steps: int = 4, smallest: int = 4, biases: bool = False) -> nn.Sequential:
    """Returns a network from images of shape (batch, 3, size, size) to logits of shape (batch,).

    Args:
        width: Channels of the first layer, doubled in each further one.
        steps: Number of halvings of the size.
        smallest: Height and width of the last map.
        biases: Whether layers without batch normalization have biases.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(CHANNELS, width, 4, 2, 1, bias=biases),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for step in range(steps - 1):
        channels = width << step
        layers += [
            nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * channels),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    layers += [nn.Conv2d(width << (steps - 1), 1, smallest, bias=biases), nn.Flatten(start_dim=0)]
    return _initialized(nn.Sequential(*layers))


def build(variant: str, seed: int = 0) -> "ExampleStep":
    """Builds a new game.

    Args:
        variant: Name of the variant, "example" or "tuned".
        seed: Random seed of the weights and the latents.

    Returns:
        A callable that takes real images, a float32 array or tensor of shape (batch, 3, 64, 64) in
        [-1, 1], and updates first the discriminator, then the generator.

    Raises:
        ValueError: If the variant is unknown.
    """
    if variant not in VARIANTS:
        raise ValueError(f"Expected a variant among {VARIANTS}, but got {variant!r}.")
    torch.manual_seed(seed)
    return TunedStep() if variant == "tuned" else ExampleStep()


class ExampleStep:
    """A game of two networks; calling it with real images runs one step."""

    memory_format = torch.contiguous_format
    fused: bool | None = None

    def __init__(self) -> None:
        self.generator = generator().to(memory_format=self.memory_format)
        self.discriminator = discriminator().to(memory_format=self.memory_format)
        self.generator_optimizer = self._adam(self.generator)
        self.discriminator_optimizer = self._adam(self.discriminator)
        self.loss = nn.BCEWithLogitsLoss()

    def __call__(self, real: object) -> None:
        real = torch.as_tensor(real).contiguous(memory_format=self.memory_format)
        ones, zeros = torch.ones(len(real)), torch.zeros(len(real))

        self.discriminator_optimizer.zero_grad(set_to_none=True)
        self.loss(self.discriminator(real), ones).backward()
        fake = self.generator(torch.randn(len(real), LATENTS, 1, 1))
        self.loss(self.discriminator(fake.detach()), zeros).backward()
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad(set_to_none=True)
        self.generator_backward(fake, ones)
        self.generator_optimizer.step()

    def generator_backward(self, fake: torch.Tensor, ones: torch.Tensor) -> None:
        self.loss(self.discriminator(fake), ones).backward()

    def _adam(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=self.fused)


class TunedStep(ExampleStep):
    """The same step without unnecessary work, in the memory layout that is fastest on CPUs."""

    memory_format = torch.channels_last
    fused = True

    def generator_backward(self, fake: torch.Tensor, ones: torch.Tensor) -> None:
        self.discriminator.requires_grad_(False)
        super().generator_backward(fake, ones)
        self.discriminator.requires_grad_(True)


class AcceleratedStep(TorchGame):
    """The tuned step on any device, in bfloat16, with a moving average of the generator."""

    def __init__(self, networks: dict[str, nn.Module], batch: int, image_shape: tuple, device: torch.device) -> None:
        super().__init__(networks, batch, image_shape, device)
        options = {"rate": 2e-4, "betas": (0.5, 0.999)}
        self.discriminator_optimizer = self.adam("discriminator", **options)
        self.generator_optimizer = self.adam("generator", **options)

    def step(self, index: int) -> None:
        """An update of each player, which share the generated images."""
        with self.autocast():
            fake = self.generator(torch.randn(self.batch, LATENTS, 1, 1, device=self.device))
            logits = self.discriminator(self.real), self.discriminator(fake.detach())
            loss = functional.softplus(-logits[0].float()).mean() + functional.softplus(logits[1].float()).mean()
        self.update(self.discriminator_optimizer, loss, "discriminator")
        self.freeze("discriminator")
        with self.autocast():
            loss = functional.softplus(-self.discriminator(fake).float()).mean()
        self.update(self.generator_optimizer, loss, "generator")
        self.freeze("discriminator", False)
        self.average()


def networks(arguments: dict) -> dict[str, nn.Module]:
    """Returns the networks for the arguments of `kerasgan.DCGAN`, with the biases that those have."""
    size, steps = arguments["image_shape"][0], 0
    while size % 2 == 0 and (size // 2 >= 4 or steps < 2):
        size, steps = size // 2, steps + 1
    options = {"steps": steps, "smallest": size, "biases": True}
    return {
        "generator": generator(arguments["generator_width"], **options),
        "discriminator": discriminator(arguments["width"], **options),
    }


def game(arguments: dict, batch: int, device: torch.device) -> AcceleratedStep:
    """Returns the game for the arguments of `kerasgan.DCGAN`."""
    return AcceleratedStep(networks(arguments), batch, arguments["image_shape"], device)


def example() -> Callable[[], None]:
    """Returns the example-style step on a fixed batch, for `benchmarks.worker`."""
    return _on_a_fixed_batch("example")


def tuned() -> Callable[[], None]:
    """Returns the tuned step on a fixed batch, for `benchmarks.worker`."""
    return _on_a_fixed_batch("tuned")


def parameter_counts() -> dict[str, int]:
    """Returns the number of trainable parameters of each network."""
    networks = {"generator": generator(), "discriminator": discriminator()}
    return {name: sum(parameter.numel() for parameter in network.parameters()) for name, network in networks.items()}


def step_gigaflops(variant: str = "tuned", batch_size: int = BATCH_SIZE) -> float:
    """Returns the necessary multiplications and additions of the convolutions of one step, in 10^9.

    A convolution's forward pass, the gradient of its weights and that of its input have the same cost. A step needs one
    forward pass of the generator and both its gradients; three forward passes of the discriminator (real, generated,
    and generated again with the new weights), its weight gradients for the first two and its input gradients for all
    three. The input gradient of the first layer is needed only if the images were generated in this step. The example
    adds the discriminator's weight gradients in the generator's step. Borders are counted as if nothing were padded.
    """
    generator_layers = _multiply_adds(generator(), torch.zeros(1, LATENTS, 1, 1))
    discriminator_layers = _multiply_adds(discriminator(), torch.zeros(1, CHANNELS, IMAGE_SIZE, IMAGE_SIZE))
    count = 3 * sum(generator_layers) - generator_layers[0]
    count += 8 * sum(discriminator_layers) - 2 * discriminator_layers[0]
    if variant == "example":
        count += sum(discriminator_layers)
    return 2 * count * batch_size / 1e9


def _multiply_adds(network: nn.Sequential, values: torch.Tensor) -> list[int]:
    counts = []
    with torch.no_grad():
        for layer in network:
            inputs, values = values, layer(values)
            if isinstance(layer, nn.ConvTranspose2d):
                counts.append(layer.weight.numel() * inputs.shape[2] * inputs.shape[3])
            elif isinstance(layer, nn.Conv2d):
                counts.append(layer.weight.numel() * values.shape[2] * values.shape[3])
    return counts


def _initialized(network: nn.Sequential) -> nn.Sequential:
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
    return network


def _on_a_fixed_batch(variant: str) -> Callable[[], None]:
    step = build(variant)
    real = 2 * torch.rand(BATCH_SIZE, CHANNELS, IMAGE_SIZE, IMAGE_SIZE) - 1
    return lambda: step(real)


def main() -> None:
    print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, batch {BATCH_SIZE}")
    for name, count in parameter_counts().items():
        print(f"{name}: {count:,} parameters")
    for variant in VARIANTS:
        print(f"{variant}: at least {step_gigaflops(variant):.1f} GFLOP a step")
    targets = {variant: f"{__spec__.name}:{variant}" for variant in VARIANTS}
    seconds, megabytes = paired_workers(targets)
    print(table(seconds, ["example"], megabytes))


if __name__ == "__main__":
    main()
