"""The Dirac-GAN (Mescheder, Geiger & Nowozin 2018): the package's training step compared with exact numbers.

The data are a point mass at 0, the generator is a point mass at theta, and the discriminator is D(x) = psi x. Training
takes 500 steps of plain SGD with learning rate 0.1 in float64 from (1, 1). The final radius |(theta, psi)| depends on
every sign, every factor one half, the order of the updates and the effect of penalties.

    python -m benchmarks.dirac            # both engines, the table of the theory, and other strengths by a reference
    python -m benchmarks.dirac --engine   # only the engine of KERAS_BACKEND, as JSON
"""

import argparse
import json
import math
import os
import subprocess
import sys

STEP, START, STEPS = 0.1, (1.0, 1.0), 500

# (loss, update) -> end radius without a regulariser, and with R1 of gamma 1.
KNOWN = {
    ("minimax", "simultaneous"): (2.179, 1.83e-9),
    ("minimax", "alternating"): (1.399, 1.79e-8),
    ("non_saturating", "simultaneous"): (0.5211, 6.37e-10),
    ("non_saturating", "alternating"): (0.3902, 8.78e-9),
    ("relativistic_paired", "simultaneous"): (0.5211, 6.37e-10),
    ("relativistic_paired", "alternating"): (0.3902, 8.78e-9),
    ("wasserstein", "simultaneous"): (17.02, 1.41e-10),
    ("wasserstein", "alternating"): (1.410, 5.15e-12),
    ("hinge", "simultaneous"): (1.437, 1.41e-10),
    ("hinge", "alternating"): (1.410, 5.15e-12),
}
R1_ONE = {"r1": 1.0}
OTHERS = [
    (loss, update, penalties)
    for loss, penalties in (
        ("non_saturating", {"r1": 0.3}),
        ("non_saturating", {"r1": 0.5, "r2": 0.5}),
        ("minimax", {"r2": 0.7}),
        ("wasserstein", {"gradient_penalty": 1.0}),
        ("wasserstein", {"gradient_penalty": 0.1, "r1": 0.2}),
        ("least_squares", {}),
        ("least_squares", {"r1": 0.4}),
        ("relativistic_average", {"r1": 0.2}),
        ("hinge", {"r1": 0.25, "gradient_penalty": 0.5}),
    )
    for update in ("simultaneous", "alternating", "alternating_shared")
]


def cases():
    """Returns all cases: (loss, update, {penalty: strength})."""
    known = [(*key, penalties) for key in KNOWN for penalties in ({}, R1_ONE)]
    shared = [(loss, "alternating_shared", penalties) for loss, update, penalties in known if update == "alternating"]
    return known + shared + OTHERS


def reference(loss, update, penalties, steps=STEPS):
    """Runs the same game in plain Python, with derivatives by hand and without the package."""

    def sigmoid(t):
        return 1.0 / (1.0 + math.exp(-t))

    def discriminator_slope(theta, psi):
        logit = psi * theta  # D(0) = 0 on the data
        slope = {
            "minimax": sigmoid(logit) * theta,
            "non_saturating": sigmoid(logit) * theta,
            "relativistic_paired": sigmoid(logit) * theta,
            "relativistic_average": 2.0 * sigmoid(logit) * theta,
            "wasserstein": theta,
            "hinge": theta if logit > -1.0 else 0.0,
            "least_squares": logit * theta,
        }[loss]
        slope += (penalties.get("r1", 0.0) + penalties.get("r2", 0.0)) * psi
        norm = math.sqrt(psi * psi + 1e-12)  # the penalty's norm is smooth at 0
        return slope + penalties.get("gradient_penalty", 0.0) * 2.0 * (norm - 1.0) * psi / norm

    def generator_slope(theta, psi):
        logit = psi * theta
        return {
            "minimax": -sigmoid(logit) * psi,
            "non_saturating": -sigmoid(-logit) * psi,
            "relativistic_paired": -sigmoid(-logit) * psi,
            "relativistic_average": -2.0 * sigmoid(-logit) * psi,
            "wasserstein": -psi,
            "hinge": -psi,
            "least_squares": (logit - 1.0) * psi,
        }[loss]

    theta, psi = START
    for _ in range(steps):
        new_psi = psi - STEP * discriminator_slope(theta, psi)
        theta = theta - STEP * generator_slope(theta, psi if update == "simultaneous" else new_psi)
        psi = new_psi
    return math.hypot(theta, psi)


def play(loss, update, penalties, steps=STEPS):
    """Returns the final radius of the package's game, trained by `fit` on the active engine."""
    import keras
    import numpy as np

    from kerasgan import LatentModel
    from kerasgan.objectives import penalties as kinds

    class Point(keras.layers.Layer):
        """Returns theta for every latent."""

        def build(self, input_shape):
            self.theta = self.add_weight(name="theta", shape=(1,), initializer="ones")

        def call(self, latents):
            return 0.0 * latents + self.theta

    strengths = {"r1": kinds.R1, "r2": kinds.R2, "gradient_penalty": kinds.GradientPenalty}
    keras.config.set_floatx("float64")
    try:
        generator = keras.Sequential([keras.Input((1,)), Point()])
        discriminator = keras.Sequential(
            [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
        )
        model = LatentModel((1,), latent_dim=1, generator=generator, discriminator=discriminator, seed=0)
        model.compile(
            loss=loss,
            update=update,
            penalties=tuple(strengths[name](value) for name, value in penalties.items()),
            generator_optimizer=keras.optimizers.SGD(STEP),
            discriminator_optimizer=keras.optimizers.SGD(STEP),
            steps_per_execution=min(100, steps),
        )
        model.fit(np.zeros((2 * steps, 1)), batch_size=2, verbose=0)
        theta, psi = (float(np.ravel(network.get_weights()[0])[0]) for network in (generator, discriminator))
    finally:
        keras.config.set_floatx("float32")
    return math.hypot(theta, psi)


def agrees(measured, expected):
    """Returns whether radii agree: relative 1e-3, or below 1e-6 if the game has converged."""
    return measured < 1e-6 if expected < 1e-6 else abs(measured / expected - 1.0) <= 1e-3


def on_engine(backend):
    """Returns the radii of all cases, from a process with the given engine."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_ENABLE_X64": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "benchmarks.dirac", "--engine"]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", action="store_true", help="only this process' engine, as JSON")
    if parser.parse_args().engine:
        print(json.dumps([play(*case) for case in cases()]))
        return 0
    engines = {backend: on_engine(backend) for backend in ("tensorflow", "jax")}
    print(f"{'loss':22}{'update':20}{'penalties':34}{'theory':>11}{'reference':>12}{'TensorFlow':>12}{'JAX':>12}")
    failed = 0
    for i, (loss, update, penalties) in enumerate(cases()):
        known = (
            KNOWN[loss, update][penalties == R1_ONE] if penalties in ({}, R1_ONE) and (loss, update) in KNOWN else None
        )
        exact = reference(loss, update, penalties)
        measured = [engines[backend][i] for backend in ("tensorflow", "jax")]
        wrong = [m for m in measured if not agrees(m, exact) or (known is not None and not agrees(m, known))]
        failed += bool(wrong)
        theory = f"{known:11.4g}" if known is not None else " " * 11
        numbers = "".join(f"{value:12.6g}" for value in (exact, *measured))
        print(f"{loss:22}{update:20}{penalties!s:34}{theory}{numbers}{'   WRONG' if wrong else ''}")
    print(f"{len(cases()) - failed} of {len(cases())} cases agree on both engines.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
