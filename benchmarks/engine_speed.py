"""A training step of some families on JAX relative to TensorFlow, on this machine's processor.

    python -m benchmarks.engine_speed [--rounds 4] [NAME...]

For each family the engines run in turn, each in a process of its own. Run it on an idle machine.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

from benchmarks.paired import paired_workers

# name: (family, constructor arguments, batch size, changes of the recipe)
CASES: dict[str, tuple] = {
    "dcgan_64": ("DCGAN", {"image_shape": (64, 64, 3), "width": 32}, 16, {}),
    "wgangp_32": ("WGANGP", {"image_shape": (32, 32, 3), "width": 32}, 32, {}),
    "r3gan_32": ("R3GAN", {"image_shape": (32, 32, 3), "width": 32, "blocks": 1, "group_width": 16}, 32, {}),
    "sngan_32": (
        "SNGAN",
        {
            "image_shape": (32, 32, 3),
            "generator_widths": (64, 64, 64, 64),
            "discriminator_widths": (32, 32, 32, 32),
            "downs": 2,
        },
        32,
        {},
    ),
    "stylegan2_32": (
        "StyleGAN2",
        {"image_shape": (32, 32, 3), "channel_base": 1024, "channel_max": 64, "latent_dim": 64, "style_dim": 64},
        16,
        {},
    ),
    "cyclegan_64": ("CycleGAN", {"image_shape": (64, 64, 3), "width": 32, "blocks": 6}, 1, {}),
    "wavegan_4096": ("WaveGAN", {"image_shape": (4096, 1), "width": 16}, 16, {}),
}
WARMUP = 2
STEPS = 4  # in a call, because `fit` itself takes some milliseconds


def step_of(engine, name, cases=CASES, steps=STEPS):
    """The compiled step of a case, a callable without arguments that takes `steps` steps."""
    os.environ["KERAS_BACKEND"] = engine
    import numpy as np

    import kerasgan

    family, arguments, batch, changes = cases[name]
    model = getattr(kerasgan, family)(**arguments, seed=0)
    model.compile(batch_size=batch, **changes)
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (batch * steps, *model.image_shape)).astype("float32")
    y = random.integers(0, arguments["num_classes"], len(x)) if "num_classes" in arguments else None
    if family == "CycleGAN":
        y = random.uniform(-1, 1, x.shape).astype("float32")

    def step():
        model.fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)

    return step


def __getattr__(target):
    """`jax__dcgan_64`: the factory of a worker's step."""
    engine, separator, name = target.partition("__")
    if not separator or name not in CASES:
        raise AttributeError(target)
    return lambda: step_of(engine, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "engine_speed.md")
    arguments = parser.parse_args()
    lines = [
        f"Seconds of a training step, {os.cpu_count()} CPU cores, float32; median of {arguments.rounds} alternating "
        "rounds of four steps in `fit`; peak memory of each process.",
        "",
        "| family | batch | TensorFlow | JAX | JAX / TensorFlow | TensorFlow, MB | JAX, MB |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in arguments.names or CASES:
        targets = {engine: f"benchmarks.engine_speed:{engine}__{name}" for engine in ("tensorflow", "jax")}
        seconds, megabytes = paired_workers(
            targets, rounds=arguments.rounds, warmup=WARMUP, environment={"TF_CPP_MIN_LOG_LEVEL": "3"}
        )
        ratios = [b / a for a, b in zip(seconds["tensorflow"], seconds["jax"], strict=True)]
        times = [statistics.median(seconds[engine]) / STEPS for engine in ("tensorflow", "jax")]
        row = [f"`{name}`", str(CASES[name][2]), *(f"{t:.3f}" for t in times), f"{statistics.median(ratios):.2f}"]
        row += [f"{megabytes[engine]:,.0f}" for engine in targets]
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], flush=True)
    text = "\n".join(lines) + "\n"
    if not arguments.names:
        arguments.out.write_text(text, "utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
