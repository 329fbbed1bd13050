"""WaveGAN: are its hits of drums of all kinds, as clear as real ones, and new?

    python -m benchmarks.families.wavegan [--seeds 1] [--quick]

Half a second of single hits at 8 kHz, 4,096 samples, without labels: kicks, snares, hi-hats and cymbals of eleven kits;
the hits of four other kits are held out. (Toms and percussion are left out: on unseen kits a classifier takes most of
the toms for kicks.) A classifier of mel spectrograms, fitted to the training hits, has to know the held-out ones.

Requirements for samples with phase shuffle: an Inception Score, with this classifier, of at least half of that of
held-out hits; each of the four kinds at least a quarter as frequent as in the data; and a median distance to the
nearest training hit, in mel spectrograms, of at least 0.8 times that of held-out hits. Controls: an untrained
generator, which must fail, and training hits with a little noise, which must be found to be copies. The same training
without phase shuffle is reported beside it.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings, medians
from benchmarks.journal import RESULTS

RATE, LENGTH = 8000, 4096
KINDS = ("kick", "snare", "hi-hat", "cymbal")
BANDS, FRAMES = 32, 64
QUIET, LOUD = -30.0, 30.0  # decibels of the mel spectrograms' ends
STEPS, BATCH = 9000, 16
SIZES = {"latent_dim": 32, "width": 8}
LEARNING_RATE, GENERATOR_EVERY = 5e-4, 2  # 1e-4 and 5 in the paper, for many times as many steps
SAMPLES, EPOCHS = 500, 60


def hits(split):
    """Hits of shape (count, 4096, 1), whose largest sample is 0.8, and their kinds."""
    from kerasgan.data import load
    from kerasgan.data.builders.sound import at_16_khz

    x, y = load("drums", split, as_numpy=True)
    chosen = y < len(KINDS)
    # From 32 to 16 kHz is the same as from 16 to 8 kHz.
    halved = np.stack([at_16_khz(one.astype("float64"), 32_000)[:LENGTH] for one in x[chosen][..., 0]])
    halved[:, -160:] *= np.linspace(1, 0, 160)
    return (0.8 * halved / abs(halved).max(axis=1, keepdims=True)).astype("float32")[..., None], y[chosen]


def mel(sounds):
    """Mel spectrograms in [-1, 1], shape (count, 32, 64, 1)."""
    import keras
    from keras import ops

    layer = keras.layers.MelSpectrogram(256, LENGTH // FRAMES, None, "hann", RATE, BANDS, min_power=1e-3, top_db=200.0)
    decibels = ops.convert_to_numpy(layer(ops.convert_to_tensor(sounds[..., 0])))[..., :FRAMES, None]
    return np.clip(2 * (decibels - QUIET) / (LOUD - QUIET) - 1, -1, 1)


def classifier_of(x, y, seed, epochs):
    """A function from sounds to probabilities of kinds, fitted to mel spectrograms that are moved and made quieter."""
    import keras

    from kerasgan.metrics.features import classifier

    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    shape, heads = (BANDS, FRAMES, 1), {"kind": len(KINDS)}
    network = classifier.build(shape, heads, (12, 24, 48), 64, "he_normal", dropout=0.5, architecture="residual")
    network = keras.Model(network.input, keras.ops.softmax(network.output["kind"]))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * (len(x) // 32 + 1))
    network.compile(keras.optimizers.AdamW(rate, weight_decay=1e-2), "sparse_categorical_crossentropy")
    for _ in range(epochs):
        moved = [np.roll(one, random.integers(-64, 256)) for one in x[..., 0]]
        louder = random.uniform(0.3, 1.2, (len(x), 1, 1))
        network.fit(mel((louder * np.stack(moved)[..., None]).astype("float32")), y, batch_size=32, verbose=0)
    return lambda sounds: network.predict(mel(sounds), batch_size=256, verbose=0)


def run(seed, steps):
    """Trains with and without phase shuffle and evaluates samples."""
    import keras

    from kerasgan import WaveGAN
    from kerasgan.data.kinds import Audio
    from kerasgan.game.recipe import Adam
    from kerasgan.metrics import data_copying, inception_score
    from kerasgan.pictures.images import write_png

    (train_x, train_y), (test_x, test_y) = hits("train"), hits("test")
    shares = np.bincount(train_y) / len(train_y)
    classify = classifier_of(train_x, train_y, seed, EPOCHS if steps == STEPS else 5)

    def measured(sounds):
        found = classify(sounds)
        frequencies = np.bincount(found.argmax(axis=1), minlength=len(KINDS)) / len(found)
        return {
            "inception score": inception_score(found),
            **{f"share of {kind}s": float(share) for kind, share in zip(KINDS, frequencies, strict=True)},
            "rarest": float((frequencies / shares).min()),
            "distance": data_copying(train_x, test_x, sounds, features=mel).distance_ratio,
        }

    noise = np.random.default_rng(seed).normal(0, 0.003, train_x.shape)
    results = {
        "accuracy on training hits": float((classify(train_x).argmax(axis=1) == train_y).mean()),
        "accuracy on held-out hits": float((classify(test_x).argmax(axis=1) == test_y).mean()),
        "held-out hits": measured(test_x),
        "copies": measured((train_x + noise).astype("float32")),
    }
    pictures = [test_x[:16]]
    for name, phase_shuffle in (("phase shuffle", 2), ("no phase shuffle", 0)):
        keras.utils.set_random_seed(seed)
        model = WaveGAN(Audio(LENGTH, RATE), phase_shuffle=phase_shuffle, seed=seed, **SIZES)
        adam = Adam(LEARNING_RATE, beta_1=0.5, beta_2=0.9)
        players = {"discriminator_optimizer": adam, "generator_optimizer": adam}
        model.compile(batch_size=BATCH, steps_per_execution=5, generator_every=GENERATOR_EVERY, **players)
        if phase_shuffle:
            results["untrained"] = measured(model.sample(SAMPLES))
        model.fit(train_x, epochs=max(1, steps * BATCH // len(train_x)), verbose=0)
        samples = model.sample(SAMPLES)
        results[name] = measured(samples)
        pictures.append(samples[:24])
    if seed == 0 and steps == STEPS:
        write_png(RESULTS / "wavegan_drums.png", model.sample_kind.sheet(np.concatenate(pictures), 8))
    return results


def main():
    asked = Trainings.asked_for(__doc__, "wavegan", ["drums"])
    rows = asked.rows(run, STEPS, seeds=1, data="drums")
    minutes = np.median([row["cpu_seconds"] for row in rows]) / 60
    lines = [f"WaveGAN on drums, {len(rows)} seed(s), {STEPS} steps, {minutes:.1f} CPU-minutes a seed"]
    accuracies = [key for key in rows[0] if key.startswith("accuracy")]
    sounds = ("held-out hits", "copies", "untrained", "phase shuffle", "no phase shuffle")
    median, said = medians(rows, (*accuracies, *sounds))
    lines += said
    ours, real, untrained = median["phase shuffle"], median["held-out hits"], median["untrained"]
    half = 0.5 * real["inception score"]
    checks = {
        "the classifier knows 85% of the held-out hits": median["accuracy on held-out hits"] >= 0.85,
        "Inception Score at least half of held-out hits'": ours["inception score"] >= half,
        "each kind has a quarter of its share": ours["rarest"] >= 0.25,
        "not nearer to training hits than 0.8 times held-out hits": ours["distance"] >= 0.8,
        "the untrained generator fails": untrained["inception score"] < half and untrained["rarest"] < 0.25,
        "copies are found": median["copies"]["distance"] < 0.8,
    }
    return asked.report("drums", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
