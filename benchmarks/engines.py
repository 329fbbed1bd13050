"""Verifies that a game has the same weights on TensorFlow, JAX and two replicas (float64, plain SGD, 20 steps).

    python -m benchmarks.engines

SGD is used because Adam hides a wrong gradient scale. The random numbers of the engines differ, so the latents and the
interpolation of the gradient penalty are functions of the real samples here. The negative control doubles the global
loss, as a game would that ignores that Keras optimizers sum gradients over replicas; its weights must differ.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

STEPS, BATCH = 20, 16
GAMES = ("dcgan", "conditional_dcgan_simultaneous", "critic")
RUNS = {
    "TensorFlow": ("tensorflow", "one"),
    "JAX": ("jax", "one"),
    "Mirrored(2)": ("tensorflow", "mirrored"),
    "doubled loss": ("tensorflow", "doubled"),
}
LIMITS = {"JAX": 1e-10, "Mirrored(2)": 1e-12}


def build(name, loss_factor=1.0):
    """Returns one of the games, compiled, with fixed initial weights."""
    import keras
    from keras import layers, ops

    import kerasgan
    from kerasgan.objectives import penalties

    def scripted(family):
        class Scripted(family):
            """Latents that are a function of the real sample: equal on all engines and any number of replicas."""

            @kerasgan.shared
            def generated(self, batch):
                flat = ops.reshape(batch.x, (-1, int(np.prod(self.image_shape))))
                latents = ops.sin(7.0 * flat[:, : self.latent_dim] + 1.0)
                return self.generator(self.inputs_of(latents, self.labels(batch)), training=True)

            def discriminator_loss(self, batch):
                loss, logs = super().discriminator_loss(batch)
                return loss_factor * loss, logs

        return Scripted

    class FixedGradientPenalty(penalties.GradientPenalty):
        """Gradient penalty whose interpolation is a function of the real sample."""

        name = "gradient_penalty"

        def measure(self, critic, real, fake, seed=None):
            share = 0.5 + 0.5 * ops.sin(ops.sum(real, axis=tuple(range(1, len(real.shape))), keepdims=True))
            norms = ops.sqrt(penalties.squared_gradient_norms(critic, share * real + (1.0 - share) * fake) + 1e-12)
            return ops.mean(ops.square(norms - self.target))

    sgd = {
        "generator_optimizer": keras.optimizers.SGD(0.05),
        "discriminator_optimizer": keras.optimizers.SGD(0.05),
    }
    if name == "critic":
        dense = [layers.Dense(16, "tanh") for _ in range(4)]
        model = scripted(kerasgan.LatentModel)(
            (6,),
            latent_dim=3,
            generator=keras.Sequential([keras.Input((3,)), *dense[:2], layers.Dense(6)]),
            discriminator=keras.Sequential([keras.Input((6,)), *dense[2:], layers.Dense(1)]),
            seed=0,
        )
        game = (FixedGradientPenalty(10.0), penalties.R1(0.5, interval=4))
        model.compile(loss="wasserstein", penalties=game, generator_every=5, **sgd)
    elif name == "dcgan":
        model = scripted(kerasgan.DCGAN)((8, 8, 1), latent_dim=8, width=4, seed=0)
        model.compile(**sgd)
    else:
        model = scripted(kerasgan.DCGAN)((8, 8, 1), latent_dim=8, width=4, num_classes=3, seed=0)
        model.compile(update="simultaneous", **sgd)
    rng = np.random.default_rng(0)
    for network in model.networks.values():
        for variable in network.trainable_variables:
            scale = 0.1 if variable.name == "gamma" else 1.0 / np.sqrt(max(1, np.prod(variable.shape[:-1])))
            variable.assign(
                np.asarray(variable) * 0.0 + (variable.name == "gamma") + rng.normal(0, scale, variable.shape)
            )
    for layer in model._flatten_layers():
        if isinstance(layer, layers.LeakyReLU):  # TensorFlow's operation holds its slope in float32
            layer.negative_slope = float(np.float32(layer.negative_slope))
    for network, average in model.averages.items():
        average.set_weights(model.networks[network].get_weights())
    return model


def data(name):
    rng = np.random.default_rng(1)
    count = BATCH * STEPS
    if name == "critic":
        return rng.normal(size=(count, 6)), None
    return np.tanh(rng.normal(size=(count, 8, 8, 1))), rng.integers(0, 3, count) if "conditional" in name else None


def train(mode, out):
    """Trains each game in this process and writes all variables."""
    import contextlib

    import keras

    scope = contextlib.nullcontext
    if mode == "mirrored":
        import tensorflow as tf

        processor = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
        scope = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope
    keras.config.set_floatx("float64")
    # Keras' type promotion on JAX takes float64 for float32, even where x64 is on; here every digit counts.
    keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    results = {}
    for name in GAMES:
        with scope():
            model = build(name, loss_factor=2.0 if mode == "doubled" else 1.0)
        x, y = data(name)
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
        weights = [keras.ops.convert_to_numpy(v) for v in model.variables if v.name != "seed_generator_state"]
        assert int(keras.ops.convert_to_numpy(model.iterations)) == STEPS
        results.update({f"{name}/{i}": value for i, value in enumerate(weights)})
    np.savez(out, **results)


def compare(first, second):
    """Returns the largest difference of any variable for each game."""
    return {
        game: max(np.abs(first[key] - second[key]).max() for key in first if key.startswith(f"{game}/"))
        for game in GAMES
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", nargs=2, metavar=("MODE", "OUT"), help="one run in this process")
    arguments = parser.parse_args()
    if arguments.train:
        train(*arguments.train)
        return 0
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for label, (backend, mode) in RUNS.items():
            out = os.path.join(folder, f"{backend}-{mode}.npz")
            environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
            subprocess.run(
                [sys.executable, "-m", "benchmarks.engines", "--train", mode, out], env=environment, check=True
            )
            results[label] = dict(np.load(out))
    failed = 0
    print(f"{'largest difference to TensorFlow':36}" + "".join(f"{game:>34}" for game in GAMES) + "     limit")
    for label in list(RUNS)[1:]:
        differences = compare(results["TensorFlow"], results[label])
        limit = LIMITS.get(label)
        wrong = [d for d in differences.values() if (d > limit if limit else d < 1e-3)]
        failed += bool(wrong)
        asked = f"<= {limit:.0e}" if limit else ">= 1e-03 (control)"
        row = "".join(f"{d:34.2e}" for d in differences.values())
        print(f"{label:36}{row}     {asked}{'   WRONG' if wrong else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
