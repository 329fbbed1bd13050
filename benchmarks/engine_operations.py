"""Why a training step is slower on JAX than on TensorFlow on a CPU: single operations of both, without Keras.

    python -m benchmarks.engine_operations [--rounds 6]

Convolutions of the sizes that dominate the steps of `benchmarks.engine_speed`, their gradients with respect to inputs
and kernels, a matrix product, and arithmetic, each compiled with `jax.jit` and with `tf.function` and oneDNN, in
alternation in one process. Run it on an idle machine.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

import numpy as np

from benchmarks.paired import paired

# name: (size, channels, filters, kernel size, stride, batch), all with "SAME" padding
CONVOLUTIONS = {
    "3x3, 32 to 32, 32 pixels": (32, 32, 32, 3, 1, 32),
    "3x3, 64 to 64, 16 pixels": (16, 64, 64, 3, 1, 32),
    "1x1, 96 to 192, 8 pixels": (8, 96, 192, 1, 1, 32),
    "5x5, stride 2, 32 to 64, 32 pixels": (32, 32, 64, 5, 2, 32),
    "4x4, stride 2, 64 to 128, 16 pixels": (16, 64, 128, 4, 2, 32),
}
KINDS = ("convolution", "gradient of the input", "gradient of the kernel")
CALLS = 5  # of a timing


def on_jax(kind, x, kernel, stride, gradient):
    """A compiled operation, a callable without arguments that waits for its result."""
    import jax

    def convolve(x, kernel):
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    x, kernel, gradient = map(jax.numpy.asarray, (x, kernel, gradient))
    if kind == KINDS[0]:
        compiled = jax.jit(convolve)
        return lambda: compiled(x, kernel).block_until_ready()
    which = KINDS.index(kind) - 1
    compiled = jax.jit(lambda x, kernel, gradient: jax.vjp(convolve, x, kernel)[1](gradient)[which])
    return lambda: compiled(x, kernel, gradient).block_until_ready()


def on_tensorflow(kind, x, kernel, stride, gradient):
    """A compiled operation, a callable without arguments that waits for its result."""
    import tensorflow as tf

    x, kernel, gradient = map(tf.constant, (x, kernel, gradient))
    strides = [1, stride, stride, 1]
    if kind == KINDS[0]:
        compiled = tf.function(lambda x, kernel, gradient: tf.nn.conv2d(x, kernel, strides, "SAME"))
    elif kind == KINDS[1]:
        shape = tf.shape(x)
        compiled = tf.function(
            lambda x, k, g: tf.raw_ops.Conv2DBackpropInput(
                input_sizes=shape, filter=k, out_backprop=g, strides=strides, padding="SAME"
            )
        )
    else:
        shape = tf.shape(kernel)
        compiled = tf.function(
            lambda x, k, g: tf.raw_ops.Conv2DBackpropFilter(
                input=x, filter_sizes=shape, out_backprop=g, strides=strides, padding="SAME"
            )
        )
    return lambda: compiled(x, kernel, gradient).numpy()


ENGINES = {"TensorFlow": on_tensorflow, "JAX": on_jax}


def convolution(kind, sizes):
    """The operation on both engines."""
    side, channels, filters, length, stride, batch = sizes
    random = np.random.default_rng(0)
    x, kernel, gradient = (
        random.normal(size=shape).astype("float32")
        for shape in (
            (batch, side, side, channels),
            (length, length, channels, filters),
            (batch, side // stride, side // stride, filters),
        )
    )
    made = {name: make(kind, x, kernel, stride, gradient) for name, make in ENGINES.items()}
    results = [np.asarray(step()) for step in made.values()]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-3, atol=1e-2)
    return made


def others():
    """A matrix product and arithmetic on both engines."""
    import jax
    import tensorflow as tf

    random = np.random.default_rng(0)
    a, b = (random.normal(size=(1024, 1024)).astype("float32") for _ in range(2))
    x = random.normal(size=(32, 32, 32, 64)).astype("float32")
    product, leaky = jax.jit(jax.numpy.matmul), jax.jit(lambda x: jax.nn.leaky_relu(2.0 * x + 1.0))
    there = [jax.numpy.asarray(each) for each in (a, b, x)]
    here = [tf.constant(each) for each in (a, b, x)]
    tf_product, tf_leaky = tf.function(tf.matmul), tf.function(lambda x: tf.nn.leaky_relu(2.0 * x + 1.0))
    return {
        "matrix product, 1024 x 1024 x 1024": {
            "TensorFlow": lambda: tf_product(here[0], here[1]).numpy(),
            "JAX": lambda: product(there[0], there[1]).block_until_ready(),
        },
        "leaky ReLU of 2 x + 1, 2 million numbers": {
            "TensorFlow": lambda: tf_leaky(here[2]).numpy(),
            "JAX": lambda: leaky(there[2]).block_until_ready(),
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "engine_operations.md")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import jax
    import tensorflow as tf

    cases = {f"{kind}, {name}": (kind, sizes) for name, sizes in CONVOLUTIONS.items() for kind in KINDS}
    lines = [
        f"Milliseconds of an operation, {len(os.sched_getaffinity(0))} CPU cores, float32, batch 32; median of "
        f"{arguments.rounds} alternating rounds. TensorFlow {tf.__version__} with oneDNN, JAX {jax.__version__}.",
        "",
        "| operation | TensorFlow | JAX | JAX / TensorFlow |",
        "|---|---:|---:|---:|",
    ]

    def add(name, steps):
        seconds = paired(steps, rounds=arguments.rounds, steps=CALLS)
        times = [1000 * statistics.median(seconds[engine]) for engine in ENGINES]
        ratios = [b / a for a, b in zip(seconds["TensorFlow"], seconds["JAX"], strict=True)]
        lines.append(f"| {name} | {times[0]:.2f} | {times[1]:.2f} | {statistics.median(ratios):.2f} |")
        print(lines[-1], flush=True)

    for name, case in cases.items():
        add(name, convolution(*case))
    for name, steps in others().items():
        add(name, steps)
    arguments.out.write_text("\n".join(lines) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
