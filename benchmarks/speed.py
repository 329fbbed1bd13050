"""Speed of DCGAN's and StyleGAN2's training steps at 64 pixels relative to PyTorch, and of `fit` to a bare loop.

    python -m benchmarks.speed [PART...]

Every variant runs in a separate process, one at a time; ratios are medians over alternating rounds. The PyTorch
references are our own. That of DCGAN has two variants: trained like the public example, and tuned as well as we can.
That of StyleGAN2 scales activations rather than kernels, with channels last and fused Adam, not compiled. Its
lazy phases are timed as often as they occur. They need PyTorch (`pip install -e .[bench]`). Run it on an idle machine.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.paired import paired, paired_workers, ratios, table

TARGETS = {
    "PyTorch example": "benchmarks.torch_dcgan:example",
    "PyTorch tuned": "benchmarks.torch_dcgan:tuned",
    "kerasgan alternating": "benchmarks.keras_dcgan:alternating",
    "kerasgan alternating, one pass": "benchmarks.keras_dcgan:alternating_shared",
    "kerasgan simultaneous": "benchmarks.keras_dcgan:simultaneous",
}
REQUIRED = {"kerasgan alternating, one pass": 1.35, "kerasgan simultaneous": 1.6}  # times the example's speed
REQUIRED_OF_TUNED = {"kerasgan alternating, one pass": 1.1, "kerasgan simultaneous": 1.25}
REQUIRED_OF_STYLEGAN2 = 1.1
FIT_STEPS = 6
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
# A model of the size that a CPU trains, with the phases of the paper.
STYLEGAN2 = {
    "image_shape": (64, 64, 3),
    "channel_base": 2048,
    "channel_max": 128,
    "latent_dim": 128,
    "style_dim": 128,
    "depth": 2,
}
STYLE_BATCH, PERIOD = 16, 16
STYLE_TARGETS = {
    "PyTorch": "benchmarks.speed:torch_stylegan2",
    "kerasgan": "benchmarks.speed:keras_stylegan2",
}


def torch_stylegan2():
    """The steps of a period of StyleGAN2 in PyTorch."""
    from benchmarks.torch_stylegan2 import on_cpu

    return on_cpu(STYLEGAN2, STYLE_BATCH)


def keras_stylegan2():
    """A `fit` of StyleGAN2 over the steps of a period."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    from benchmarks.engine_speed import step_of

    case = ("StyleGAN2", STYLEGAN2, STYLE_BATCH, {"recipe": "auto"})
    return step_of("tensorflow", "stylegan2_64", {"stylegan2_64": case}, PERIOD)


def fit_overhead(rounds=5):
    """Returns the median time of `fit` relative to a bare loop of the compiled step, in alternating rounds."""
    import numpy as np

    from benchmarks.keras_dcgan import BATCH_SIZE, build

    model, real = build()
    import tensorflow as tf

    from kerasgan.game.phase import Moment

    images = np.concatenate([real] * FIT_STEPS)
    play = model.make_train_function()
    plan = model.plan(Moment())
    step = model._step_functions.setdefault((plan,), model._one_step(plan))

    def bare():
        batch = (tf.constant(real),)
        for _ in range(FIT_STEPS):
            logs = step(batch)
        return float(logs["generator_loss"])

    def fit():
        model.fit(images, batch_size=BATCH_SIZE, epochs=1, verbose=0)

    assert play is not None
    return 1.0 / ratios(paired({"bare": bare, "fit": fit}, rounds, warmup=1), "bare")["fit"]


def dcgan(rounds):
    """Measures DCGAN and `fit`: (lines of the report, whether the requirements are met)."""
    seconds, megabytes = paired_workers(TARGETS, rounds=rounds, environment=ENVIRONMENT)
    against, tuned = ratios(seconds, "PyTorch example"), ratios(seconds, "PyTorch tuned")
    overhead = fit_overhead()
    lines = [
        f"DCGAN 64x64x3, batch 64, float32, one D and one G update, {os.cpu_count()} CPU cores; median of {rounds} "
        "alternating rounds. Above 1 is faster than the reference.",
        "",
        table(seconds, ["PyTorch example", "PyTorch tuned"], megabytes),
        "",
        f"`fit` costs {100 * (overhead - 1):+.1f} % over a bare loop of the same compiled step.",
    ]
    met = [against[name] >= least for name, least in REQUIRED.items()]
    met += [tuned[name] >= least for name, least in REQUIRED_OF_TUNED.items()]
    return lines, all(met) and overhead <= 1.03


def stylegan2(rounds):
    """Measures StyleGAN2: (lines of the report, whether the requirement is met)."""
    seconds, megabytes = paired_workers(STYLE_TARGETS, rounds, warmup=1, environment=ENVIRONMENT)
    seconds = {name: [each / PERIOD for each in values] for name, values in seconds.items()}
    lines = [
        f"StyleGAN2 64x64x3 (channel base {STYLEGAN2['channel_base']:,}, at most {STYLEGAN2['channel_max']} channels), "
        f"batch {STYLE_BATCH}, float32, mean of {PERIOD} steps with one R1 and four path length phases; median of "
        f"{rounds} alternating rounds.",
        "",
        table(seconds, ["PyTorch"], megabytes),
    ]
    return lines, ratios(seconds, "PyTorch")["kerasgan"] >= REQUIRED_OF_STYLEGAN2


PARTS = {"dcgan": dcgan, "stylegan2": stylegan2}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all, and write)")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "speed.md")
    arguments = parser.parse_args()
    found = [PARTS[name](arguments.rounds) for name in arguments.parts or PARTS]
    text = "\n\n".join("\n".join(lines) for lines, _ in found)
    print(text)
    if not arguments.parts:
        arguments.out.write_text(text + "\n")
    return 0 if all(met for _, met in found) else 1


if __name__ == "__main__":
    sys.exit(main())
