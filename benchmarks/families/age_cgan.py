"""AgeCGAN: do optimised latents keep a person's identity, and does another age change nothing else?

    python -m benchmarks.families.age_cgan [--seeds 1] [--quick]

Drawn faces of 32 pixels: 2,000 persons in six decades of life, and 150 other persons to test. The identity of the first
half is learned by the model's own network, through which latents are optimised; that of the second half by a judge of
another architecture and another seed, whose threshold 1% of the pairs of different persons of the first half pass.
Both see real faces only, and so does a third network, which reads the decade and the ten numbers of the identity.

Requirements: by the judge, the rate of reconstructions that show the same person grows from the encoder's latents to
latents that are optimised for pixels, and from these to those optimised for the identity, 15 points more than the
first (the paper has 53.2%, 59.8% and 82.9%); 80% of the faces at all six ages, optimised for the identity, have the
asked decade; and the error of the identity's numbers at the five other ages is at most 1.3 times that of the
reconstructions. Controls: pairs of real faces of one person (the ceiling) and of different persons (the floor, 1%),
the decades of real faces, an untrained encoder, which must be worse than the trained one, and the error of numbers that
are guessed.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings, medians
from benchmarks.journal import RESULTS

SIDE, AGES = 32, 6
PERSONS, TESTED = 2000, 150
STEPS, BATCH = 6000, 64
GAME = 0.7  # part of the steps after which the encoder is trained alone
SIZES = {"latent_dim": 32, "width": 16, "generator_width": 16, "kernel_size": 4}
PRESERVE = ("nothing", "pixels", "identity")
EPOCHS = 50  # passes over the persons, of the networks of the identity
FACTS_EPOCHS = 8
FALSE_ACCEPTS = 0.01
GUESSED = 12**-0.5  # error of the identity's numbers, uniform in [0, 1], if all are taken for 0.5


def people(split, persons):
    """Faces of shape (persons, 6, 32, 32, 3) in [-1, 1], from young to old, and the persons' ten numbers."""
    from kerasgan.data import load

    x, y = load("aging_faces", split, SIDE, count=AGES * persons, features=("identity",), as_numpy=True)
    return x.reshape(persons, AGES, SIDE, SIDE, 3), y["identity"].reshape(persons, AGES, -1)[:, 0]


def flat(faces):
    """Faces in a row, and the number of the person and the decade of each."""
    persons, ages = np.divmod(np.arange(len(faces) * AGES), AGES)
    return faces.reshape(-1, SIDE, SIDE, 3), persons, ages.astype("int32")


def judge_of(faces, seed, epochs):
    """A residual network of identities, trained on pairs: unit vectors of shape (batch, 48)."""
    import keras
    from keras import layers

    from kerasgan.metrics.features import classifier
    from kerasgan.models.age_cgan import PairsOfPersons, identity_loss

    keras.utils.set_random_seed(seed)
    shape, heads = (SIDE, SIDE, 3), {"identities": 48}
    network = classifier.build(shape, heads, (16, 32, 48), 96, initializer="he_normal", architecture="residual")
    unit = layers.UnitNormalization()(network.output["identities"])
    judge = keras.Model(network.input, unit)
    x, persons, _ = flat(faces)
    judge.compile(keras.optimizers.Adam(1e-3), identity_loss)
    judge.fit(PairsOfPersons(x, persons, 64, seed), epochs=epochs, shuffle=False, verbose=0)
    return lambda images: judge.predict(images, batch_size=256, verbose=0)


def reader_of(faces, identities, seed, epochs):
    """A function from images to logits of the decades and the ten numbers of the identity, trained on real faces."""
    import keras

    from kerasgan.metrics.features import classifier

    keras.utils.set_random_seed(seed)
    heads = {"decade": AGES, "identity": identities.shape[-1]}
    network = classifier.build((SIDE, SIDE, 3), heads, (16, 32, 64), 128, initializer="he_normal")
    x, persons, ages = flat(faces)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * (len(x) // 64))
    reader = keras.Model(network.input, {name: network.output[name] for name in heads})
    losses = {"decade": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "identity": "mse"}
    reader.compile(keras.optimizers.Adam(rate), losses, loss_weights={"decade": 1.0, "identity": 10.0})
    reader.fit(x, {"decade": ages, "identity": identities[persons]}, batch_size=64, epochs=epochs, verbose=0)
    return lambda images: reader.predict(images, batch_size=256, verbose=0)


def run(seed, steps):
    """Trains the game, the encoder and the three networks on real faces, and ages the faces of other persons."""
    import keras

    from kerasgan import AgeCGAN

    part = steps / STEPS
    (faces, identities), (others, numbers) = people("train", PERSONS), people("test", TESTED)
    x, _, ages = flat(faces)
    own, judged = faces[: PERSONS // 2], faces[PERSONS // 2 :]
    keras.utils.set_random_seed(seed)
    model = AgeCGAN((SIDE, SIDE, 3), AGES, seed=seed, **SIZES)
    model.compile(batch_size=BATCH, steps_per_execution=5, game_kimg=GAME * steps * BATCH / 1000)
    untrained = model.ema_encoder.get_weights()
    model.fit(x, ages, epochs=max(1, round(steps * BATCH / len(x))), verbose=0)
    model.fit_identity(*flat(own)[:2], epochs=max(1, round(EPOCHS * part)), seed=seed)
    judge = judge_of(judged, seed + 1000, max(1, round(EPOCHS * part)))
    reader = reader_of(faces, identities, seed + 2000, max(1, round(FACTS_EPOCHS * part)))

    random = np.random.default_rng(seed)
    everyone, now = np.arange(TESTED), random.integers(AGES, size=TESTED).astype("int32")
    later = (now + random.integers(1, AGES, TESTED)) % AGES
    elsewhere = np.arange(AGES) != now[:, None]
    originals = others[everyone, now]
    strangers = judge(own[:, 0]) @ judge(own[:, 3]).T
    threshold = np.quantile(strangers[~np.eye(len(own), dtype=bool)], 1 - FALSE_ACCEPTS)
    who = judge(originals)

    def same(images):
        return (judge(images) * who).sum(axis=1) >= threshold

    def measured(aged):
        """Numbers of faces at all ages, shape (persons, 6, 32, 32, 3); those at their own age are reconstructions."""
        alike = np.stack([same(aged[:, age]) for age in range(AGES)], axis=1)
        read = reader(aged.reshape(-1, *originals.shape[1:]))
        errors = read["identity"].reshape(TESTED, AGES, -1) - numbers[:, None]
        return {
            "same": float(alike[~elsewhere].mean()),
            "same, other ages": float(alike[elsewhere].mean()),
            "decade": float((read["decade"].argmax(axis=1).reshape(TESTED, AGES) == np.arange(AGES)).mean()),
            "numbers": float(np.sqrt(np.square(errors[~elsewhere]).mean())),
            "numbers, other ages": float(np.sqrt(np.square(errors[elsewhere]).mean())),
            "pixels": float(np.sqrt(np.square(aged[~elsewhere] - originals).mean())),
        }

    found = {name: model.latents_of(originals, now, name) for name in PRESERVE}
    trained = model.ema_encoder.get_weights()
    model.ema_encoder.set_weights(untrained)
    found["untrained encoder"] = model.encode(originals, labels=now)
    model.ema_encoder.set_weights(trained)
    results = {"real": measured(others), "others": float(same(np.roll(others, 1, axis=0)[everyone, later]).mean())}
    for name, latents in found.items():
        aged = [model.generate([latents, np.full(TESTED, age, "int32")]) for age in range(AGES)]
        results[name] = measured(np.stack(aged, axis=1))
        if name == "identity" and seed == 0 and steps == STEPS:
            draw(originals, np.stack(aged, axis=1), now)
    return results


def draw(originals, aged, now):
    """Draws a row for each of twelve persons: the face, its reconstruction, and the person at all six ages."""
    from kerasgan.pictures.images import grid, write_png

    rows = [np.stack([face, six[age], *six]) for face, six, age in zip(originals, aged, now, strict=True)]
    write_png(RESULTS / "age_cgan_faces.png", grid(np.concatenate(rows[:12]), columns=AGES + 2))


def main():
    asked = Trainings.asked_for(__doc__, "age_cgan", ["faces"])
    rows = asked.rows(run, STEPS, seeds=1, data="faces")
    minutes = np.median([row["cpu_seconds"] for row in rows]) / 60
    lines = [f"AgeCGAN on drawn faces, {len(rows)} seed(s), {STEPS} steps, {minutes:.1f} CPU-minutes a seed"]
    median, said = medians(rows, ("real", *PRESERVE, "untrained encoder"))
    floor = float(np.median([row["others"] for row in rows]))
    lines += [*said, f"same, real faces of other persons: {floor:.3f}"]
    lines.append(f"numbers, guessed: {GUESSED:.3f}")
    nothing, pixels, identity = (median[name]["same"] for name in PRESERVE)
    checks = {
        "rate of the same person: encoder < pixels < identity": nothing < pixels < identity,
        "identity 15 points more than the encoder": identity >= nothing + 0.15,
        "80% have the asked decade": median["identity"]["decade"] >= 0.80,
        "error of the numbers after ageing at most 1.3 times that before": median["identity"]["numbers, other ages"]
        <= 1.3 * median["identity"]["numbers"],
        "and both better than a guess": median["identity"]["numbers, other ages"] < GUESSED,
        "an untrained encoder is worse": median["untrained encoder"]["same"] < nothing,
        "real faces of one person are the same, of others not": median["real"]["same, other ages"] >= 0.9
        and floor <= 0.05,
    }
    return asked.report("faces", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
