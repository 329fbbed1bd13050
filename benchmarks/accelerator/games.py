"""The games that are measured, their sizes and recipes, and tiny ones of the same kind for a rehearsal."""

import dataclasses
from typing import Any

AUTO = {"channel_base": 16384, "depth": 2}  # of StyleGAN2-ADA up to 256 pixels
TINY_STYLES = {"channel_base": 64, "channel_max": 8, "latent_dim": 8, "style_dim": 8, "depth": 1}
WITHOUT_LAZY: dict[str, Any] = {"path_weight": 0.0, "penalties": ()}
BIGGAN = {"recipe": "imagenet_pytorch", "microbatch": None}  # an update of each player a step, the hinge loss


@dataclasses.dataclass(frozen=True)
class Game:
    """A game of the benchmark.

    Args:
        family: Name of the class.
        arguments: Arguments of its constructor.
        batch: Number of images of a step.
        tiny: Arguments of the constructor that make it tiny.
        compile: Arguments of `compile`.
        tiny_compile: Arguments of `compile` that make a tiny game simpler, of one that is like another.
        seconds: What its row takes on a large GPU, compilation included, as a guess for the budget.
        torch: Module with the same game in PyTorch.
        note: What a reader of the table must know.
    """

    family: str
    arguments: dict[str, Any]
    batch: int
    tiny: dict[str, Any]
    compile: dict[str, Any] = dataclasses.field(default_factory=dict)
    tiny_compile: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 60.0
    torch: str | None = None
    note: str = ""


# In the order in which a budget is spent on them.
GAMES: dict[str, Game] = {
    "dcgan_64": Game(
        "DCGAN",
        {"image_shape": (64, 64, 3), "width": 64, "generator_width": 64, "kernel_size": 4, "latent_range": None},
        512,
        {"image_shape": (8, 8, 3), "width": 8, "generator_width": 8},
        seconds=35.0,
        torch="benchmarks.torch_dcgan",
        note="width 64; one forward pass of the generator for both players",
    ),
    "biggan_128": Game(
        "BigGAN",
        {"image_shape": (128, 128, 3), "num_classes": 1000, "width": 96},
        256,
        {
            "image_shape": (8, 8, 3),
            "num_classes": 4,
            "latent_dim": 8,
            "embedding": 8,
            "generator_widths": (16, 8),
            "discriminator_widths": (8, 16),
            "generator_attention": (0,),
            "discriminator_attention": (0,),
        },
        BIGGAN,
        seconds=70.0,
        torch="benchmarks.torch_biggan",
        note="width 96, 1,000 classes, hinge loss, no orthogonal regularization",
    ),
    "stylegan2_128": Game(
        "StyleGAN2",
        {"image_shape": (128, 128, 3), **AUTO},
        64,
        {"image_shape": (8, 8, 3), **TINY_STYLES},
        {"recipe": "auto"},
        seconds=80.0,
        torch="benchmarks.torch_stylegan2",
        note="channel base 16,384, mapping of 2 layers; R1 each 16 steps, path length each 4, style mixing 0.9",
    ),
    "stylegan2_256": Game(
        "StyleGAN2",
        {"image_shape": (256, 256, 3), **AUTO},
        64,
        {"image_shape": (16, 16, 3), **TINY_STYLES},
        {"recipe": "auto"},
        WITHOUT_LAZY,
        seconds=90.0,
        note="as at 128",
    ),
    "r3gan_64": Game(
        "R3GAN",
        {"image_shape": (64, 64, 3)},
        256,
        {"image_shape": (8, 8, 3), "width": 16, "blocks": 1, "group_width": 8},
        {"recipe": "ffhq64"},
        seconds=70.0,
        note="width 768; R1 and R2 in each step",
    ),
    "stylegan2_64": Game(
        "StyleGAN2",
        {"image_shape": (64, 64, 3), **AUTO},
        128,
        {"image_shape": (8, 8, 3), **TINY_STYLES},
        {"recipe": "auto"},
        WITHOUT_LAZY,
        seconds=70.0,
        note="as at 128",
    ),
    "srgan_96": Game(
        "SRGAN",
        {"image_shape": (96, 96, 3)},
        64,
        {"image_shape": (16, 16, 3), "width": 8, "blocks": 1, "units": 16, "stages": 2},
        {"pretraining_steps": 0},
        seconds=50.0,
        note="factor 4, 16 blocks, the adversarial training; the features are those of a random network, not of VGG",
    ),
}
TINY_BATCH = 8
POLICY = "mixed_bfloat16"


def build(name, tiny=False, batch=None, policy=POLICY, **changes):
    """A compiled game and a fixed batch of random data for it.

    Args:
        name: Name of the game.
        tiny: Whether the networks are tiny.
        batch: Number of images. `None` for the table's.
        policy: dtype policy of the networks.
        **changes: Fields of the recipe to change.

    Returns:
        The model and the batch, as Keras passes it to a step.
    """
    import numpy as np

    import kerasgan
    from kerasgan.run import set_random_seed

    game = GAMES[name]
    batch = batch or (TINY_BATCH if tiny else game.batch)
    set_random_seed(0)
    arguments = {**game.arguments, **(game.tiny if tiny else {})}
    model = getattr(kerasgan, game.family)(**arguments, seed=0, dtype=policy)
    recipe = {**game.compile, **(game.tiny_compile if tiny else {})}
    model.compile(**{**recipe, "batch_size": batch, **changes})
    random = np.random.default_rng(0)

    def images(shape):
        return random.uniform(-1.0, 1.0, (batch, *shape)).astype("float32")

    if game.family == "SRGAN":
        return model, (images(model.small_shape), images(model.image_shape))
    if arguments.get("num_classes"):
        return model, (images(model.image_shape), random.integers(0, arguments["num_classes"], batch).astype("int32"))
    return model, (images(model.image_shape),)
