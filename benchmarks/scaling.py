"""A model on paper of training on many accelerators: where the time of a step goes on 1, 8, 64 and 256 of them.

    KERAS_BACKEND=jax python -m benchmarks.scaling

BigGAN at 128 pixels with the paper's batch of 2,048 images, and StyleGAN2 at 256 pixels with batches of 64 and of 512.
Counted here: the operations of a step (XLA's analysis of the step before compilation, averaged over the period of the
lazy penalties), the bytes of the gradients, and the collectives. Assumed, because it was not measured: everything that
belongs to the machine, see below. Nothing overlaps in the model; input, stragglers and memory are left out, so that one
device may need micro-batches. With one image a device StyleGAN2's minibatch deviation sees one image: another game.
"""

import argparse
import functools
import math
import sys
from typing import NamedTuple
from unittest import mock

from benchmarks.journal import RESULTS

DEVICES = (1, 8, 64, 256)
PEAK = 989e12  # bfloat16 operations a second of an H100, of which a game reaches a share
GAMES = (("biggan_128", 2048, 0.4), ("stylegan2_256", 64, 0.12), ("stylegan2_256", 512, 0.12))
COUNTED = 8  # images of the step whose operations are counted
FULL = 16  # images of a device from which the rate is the full one; it falls linearly to half of it


class Machine(NamedTuple):
    """What the model assumes of a machine.

    Args:
        rate: Operations a second of one device in training.
        node: Number of devices of a node.
        inside: Bytes a second of a device to the others of its node, in each direction.
        outside: Bytes a second of a whole node to other nodes.
        latency: Seconds of a collective, in each of the 2 log2(n) rounds.
    """

    rate: float = PEAK
    node: int = 8
    inside: float = 450e9
    outside: float = 8 * 50e9
    latency: float = 10e-6


NETWORKS = {"8 x 400 Gb/s a node": Machine(), "100 Gb/s a node": Machine(outside=12.5e9)}


class Work(NamedTuple):
    """What a step does, by counting.

    Args:
        operations: Operations for each image.
        gradients: Bytes of the gradients that are summed in a step, float32.
        collectives: Number of collectives of a step: one for each update, two for each synchronized normalization.
    """

    operations: float
    gradients: float
    collectives: float


def seconds(work, batch, devices, machine):
    """Seconds of computing, of summing gradients and of waiting for collectives, of a step.

    Args:
        work: `Work`.
        batch: Number of images of a step on all devices.
        devices: Number of devices.
        machine: `Machine`.
    """
    share = batch / devices
    computing = share * work.operations / (machine.rate * min(1.0, 0.5 + 0.5 * share / FULL))
    if devices == 1:
        return computing, 0.0, 0.0
    near = min(devices, machine.node)
    nodes = devices // near
    # Reduced and scattered within the node, summed between nodes, gathered within the node.
    summing = 2 * (near - 1) / near * work.gradients / machine.inside
    summing += 2 * (nodes - 1) / nodes * work.gradients / machine.outside
    return computing, summing, work.collectives * 2 * math.log2(devices) * machine.latency


def counted(name):
    """The `Work` of a game's step, and the numbers of weights of its networks."""
    import jax
    import jax.numpy as jnp
    import keras

    from benchmarks.accelerator.games import build
    from benchmarks.accelerator.rows import count
    from kerasgan.game.phase import Moment

    # Weights are not needed, and orthogonal ones of this size take minutes.
    with mock.patch.object(keras.initializers.Orthogonal, "__call__", lambda _, shape, dtype=None: jnp.zeros(shape)):
        model, data = build(name, batch=COUNTED)
    state = tuple(
        [jax.ShapeDtypeStruct(v.shape, jnp.dtype(v.dtype)) for v in each] for each in model._state_variables()
    )
    images = tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in data)
    sizes = {each: count(network.trainable_variables) for each, network in model.networks.items()}
    normalizations = sum(
        isinstance(layer, keras.layers.BatchNormalization)
        for network in model.networks.values()
        for layer in network._flatten_layers()
    )

    def of(plan):
        step = jax.jit(functools.partial(model.train_step, plan=plan)).lower(state, images)
        phases = [phase for phase in model.phases() if phase.name in plan.due]
        backward = sum("generator" in phase.trains for phase in phases)
        return Work(
            step.cost_analysis()["flops"] / COUNTED,
            sum(4.0 * sizes[each] for phase in phases for each in phase.trains),
            len(phases) + normalizations * (len(phases) + backward),
        )

    plans = [model.plan(Moment(step, step * COUNTED)) for step in range(model.period)]
    works = {plan: of(plan) for plan in dict.fromkeys(plans)}
    return Work(*(sum(each) / len(plans) for each in zip(*(works[plan] for plan in plans), strict=True))), sizes


def table(title, work, sizes, batch, share):
    """The lines of a game's section.

    Args:
        title: Title.
        work: `Work`.
        sizes: `{network: number of weights}`.
        batch: Number of images of a step.
        share: Share of the peak rate that the game reaches.
    """
    millions = ", ".join(f"{name} {size / 1e6:.1f} M" for name, size in sizes.items())
    lines = [
        f"## {title}",
        "",
        f"{millions}; {share:.0%} of the peak rate; {work.operations / 1e9:,.0f} billion operations an image, "
        f"{work.gradients / 1e6:,.0f} MB of gradients and {work.collectives:.0f} collectives a step.",
        "",
        "| network between the nodes | devices | images each | computing, ms | summing, ms | waiting, ms | images/s "
        "| efficiency |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    alone = share * PEAK / work.operations  # images/s of a device with enough to do
    for name, machine in NETWORKS.items():
        for devices in DEVICES:
            if batch < devices or (devices == 1 and name != next(iter(NETWORKS))):
                continue
            parts = seconds(work, batch, devices, machine._replace(rate=share * machine.rate))
            rate = batch / sum(parts)
            cells = [f"{1e3 * part:.1f}" for part in parts]
            row = (name if devices > 1 else "", f"{devices}", f"{batch / devices:g}", *cells, f"{rate:,.0f}")
            lines.append("| " + " | ".join([*row, f"{rate / devices / alone:.2f}"]) + " |")
    return [*lines, ""]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    import keras

    if keras.backend.backend() != "jax":
        print("The operations are counted by JAX: set KERAS_BACKEND=jax.", file=sys.stderr)
        return 2
    lines, works = [], {}
    for name, batch, share in GAMES:
        if name not in works:
            works[name] = counted(name)
        lines += table(f"{name}, {batch} images a step", *works[name], batch, share)
        print("\n".join(lines[-12:]), flush=True)
    about = __doc__.split("\n\n", 2)[2].strip()
    machine = Machine()
    assumed = (
        f"Assumed: shares of an H100's {machine.rate / 1e12:.0f} teraflops in bfloat16: 40% for BigGAN, a guess, and "
        "12% for StyleGAN2, which is what NVIDIA's 12.53 s for 1,000 images on an A100 are; "
        f"all of it from {FULL} images a device, half of it at none, and linearly between. Nodes of "
        f"{machine.node} with {machine.inside / 1e9:.0f} GB/s of NVLink a device, "
        f"{machine.latency * 1e6:.0f} microseconds a round of a collective."
    )
    (RESULTS / "scaling.md").write_text("\n".join([about, "", assumed, "", *lines]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
