"""SAGAN: does its discriminator compare places that no convolution of it sees together?

    python -m benchmarks.families.sagan [--seeds 3] [--quick]

Grey images of 16 pixels with a stripe at the left edge and one at the right, both of the same one of 8 colours. A
position of the discriminator's last map sees 9 pixels; the stripes are 8 apart, so that without self-attention
nothing ever sees both. Requirements: both stripes of a sample have the same colour for 90% of the samples with self-
attention, and for at most 60% with the same networks without it, each of at least 6 colours (the exponential of the
entropy); and the largest singular value of every spectrally normalized kernel of both players, by NumPy, is from 0.95
to 1.05 after the training. Controls: real images, the untrained generator, whose colours agree by chance (1 of 8),
and the raw kernels.

With the paper's hinge loss and rates a generator of so small networks collapses onto one or two of the eight colours,
which are points. The non-saturating loss, R1, packing of four samples and a faster generator keep all of them.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings

SIDE, STRIPE, BATCH, STEPS, TRAIN, SAMPLES = 16, 4, 64, 9216, 8192, 2000
PLACES = (slice(0, STRIPE), slice(SIDE - STRIPE, SIDE))  # columns of the stripes
COLOURS = np.array([[r, g, b] for r in (-0.9, 0.9) for g in (-0.9, 0.9) for b in (-0.9, 0.9)], "float32")
SIZES = {"latent_dim": 32, "generator_widths": (32, 32, 16), "discriminator_widths": (16, 16), "downs": 0, "packing": 4}
ATTENTION = {"with": {"generator_attention": (0,), "discriminator_attention": (0,)}}
ATTENTION["without"] = {"generator_attention": (), "discriminator_attention": ()}


def stripes(count, seed):
    """Images of shape (count, 32, 32, 3) in [-1, 1]."""
    colours = COLOURS[np.random.default_rng(seed).integers(len(COLOURS), size=count)]
    images = np.zeros((count, SIDE, SIDE, 3), "float32")
    for place in PLACES:
        images[:, :, place] = colours[:, None, None]
    return images


def agreement(images):
    """Share of images whose stripes have the same colour, share of coloured stripes, number of colours."""
    means = [images[:, :, place].mean(axis=(1, 2)) for place in PLACES]
    found = [np.linalg.norm(mean[:, None] - COLOURS, axis=-1) for mean in means]
    left, right = (distance.argmin(axis=1) for distance in found)
    shares = np.bincount(left, minlength=len(COLOURS)) / len(left)
    entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-12)))
    return {
        "same colour": float((left == right).mean()),
        "coloured": float(np.mean([distance.min(axis=1) < 0.8 for distance in found])),
        "colours": float(np.exp(entropy)),
    }


def singular_values(network):
    """Largest singular values of the spectrally normalized kernels, and of the same ones before the division."""
    from keras import ops

    from kerasgan.layers.spectral import SpectralNormalization

    found: tuple[list, list] = ([], [])
    for layer in network._flatten_layers():
        if isinstance(layer, SpectralNormalization):
            for values, kernel in zip(found, (layer.normalized_kernel(), layer.raw_kernel), strict=True):
                matrix = np.moveaxis(ops.convert_to_numpy(kernel), layer.matrix_axis, 0)
                values.append(float(np.linalg.norm(matrix.reshape(len(matrix), -1).astype("float64"), 2)))
    return found


def run(seed, steps, attention):
    """Trains with or without self-attention."""
    import keras

    from kerasgan import SAGAN
    from kerasgan.objectives.penalties import R1

    images = stripes(TRAIN, seed)
    keras.utils.set_random_seed(seed)
    model = SAGAN((SIDE, SIDE, 3), seed=seed, **SIZES, **ATTENTION[attention])
    rates = {"discriminator": 2e-4, "generator": 5e-4}
    optimizers = {f"{name}_optimizer": keras.optimizers.Adam(rate, 0.0, 0.99) for name, rate in rates.items()}
    model.compile(batch_size=BATCH, steps_per_execution=16, loss="non_saturating", penalties=(R1(0.05),), **optimizers)
    results = {"real": agreement(stripes(SAMPLES, 1000 + seed)), "untrained": agreement(model.sample(SAMPLES, seed))}
    count = min(TRAIN, steps * BATCH)
    model.fit(images[:count], epochs=max(1, steps * BATCH // TRAIN), verbose=0)
    samples = model.sample(SAMPLES, seed)
    if seed == 0 and steps == STEPS:
        from benchmarks.journal import RESULTS
        from kerasgan.pictures.images import grid, write_png

        write_png(RESULTS / f"sagan_{attention}.png", grid(samples[:50], columns=10))
    normalized, raw = (
        [*ours, *theirs] for ours, theirs in zip(*map(singular_values, model.networks.values()), strict=True)
    )
    sigma = {name: [min(values), max(values)] for name, values in (("normalized", normalized), ("raw", raw))}
    return results | {"trained": agreement(samples), "sigma": sigma, "kernels": len(raw)}


def main():
    asked = Trainings.asked_for(__doc__, "sagan", ["stripes"])
    rows = {
        name: asked.rows(lambda seed, steps, name=name: run(seed, steps, name), STEPS, seeds=3, attention=name)
        for name in ATTENTION
    }

    def median(name, part, key="same colour"):
        return float(np.median([row[part][key] for row in rows[name]]))

    lines = [f"SAGAN on two distant stripes, {len(rows['with'])} seed(s), {STEPS} steps of {BATCH}"]
    lines.append(f"{'':28}" + "".join(f"{key:>14}" for key in ("same colour", "coloured", "colours")))
    table = {"real images": ("with", "real"), "untrained": ("with", "untrained")}
    table |= {f"{name} self-attention": (name, "trained") for name in ATTENTION}
    for title, place in table.items():
        numbers = [median(*place, key) for key in ("same colour", "coloured", "colours")]
        lines.append(f"{title:28}" + "".join(f"{number:14.3f}" for number in numbers))
    ends = {kind: [row["sigma"][kind] for found in rows.values() for row in found] for kind in ("normalized", "raw")}
    sigma = {kind: (min(low for low, _ in values), max(high for _, high in values)) for kind, values in ends.items()}
    for kind, (low, high) in sigma.items():
        lines.append(f"largest singular values of {rows['with'][0]['kernels']} {kind} kernels: {low:.3f} to {high:.3f}")
    minutes = np.median([row["cpu_seconds"] for row in rows["with"]]) / 60
    lines.append(f"{minutes:.1f} processor minutes a seed")
    checks = {
        "real stripes agree": median("with", "real") == 1,
        "colours of both": min(median(name, "trained", "colours") for name in ATTENTION) >= 6,
        "with self-attention 90% agree": median("with", "trained") >= 0.9,
        "without, at most 60%": median("without", "trained") <= 0.6,
        "singular values of 0.95 to 1.05": sigma["normalized"][0] >= 0.95 and sigma["normalized"][1] <= 1.05,
        "those of the raw kernels are not": not 0.95 <= sigma["raw"][0] <= sigma["raw"][1] <= 1.05,
    }
    return asked.report("stripes", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
