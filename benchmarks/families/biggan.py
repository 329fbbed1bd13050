"""BigGAN: what do truncation, standing statistics, the classes and the chunks of the latents of a preset do?

    python -m benchmarks.families.biggan [--preset biggan_fashion]

Clothes of the published preset against the 10,000 test images. Requirements: with truncation of 2, 1 and 0.5, and the
standing statistics of each, precision rises and recall falls monotonically, in the features of `classifier-fashion-v1`
and of `classifier-fashion-judge-v1`, a second, differently trained one; the judge assigns samples to the class that was
asked for at least 0.9 times as often as it does real test images; and a new draw of each chunk of the latents, with the
others as they are, changes the images. Control: a truncation of 1 with the statistics of no truncation.
`python -m benchmarks.fashion` compares the distances with those of other families.
"""

import argparse
import sys

import numpy as np

COUNT, TRUNCATIONS = 5000, (2.0, 1.0, 0.5)
FEATURES = ("classifier-fashion-v1", "classifier-fashion-judge-v1")


def main():
    import kerasgan
    from benchmarks.families.common import print_and_write
    from kerasgan import metrics
    from kerasgan.metrics.features import get

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="biggan_fashion")
    preset = parser.parse_args().preset
    x, y = kerasgan.data.load("fashion/full", "test", 32, as_numpy=True)
    labels = np.arange(COUNT) % 10
    judge = get(FEATURES[1])
    real = float((judge.classify(x).argmax(axis=1) == y).mean())
    model = kerasgan.load(preset)

    def scores(truncation):
        samples = np.clip(model.sample(COUNT, 1, labels, truncation=truncation, batch_size=250), -1, 1)
        found = []
        for name in FEATURES:
            near = metrics.precision_recall_density_coverage(get(name)(x[:COUNT]), get(name)(samples))
            found += [float(near.precision), float(near.recall)]
        return [*found, float((judge.classify(samples).argmax(axis=1) == labels).mean())]

    lines = [f"{preset}: {COUNT} samples, {COUNT} test images; the judge's accuracy on test images {real:.3f}"]
    head = ("precision", "recall", "judge's precision", "recall", "labels")
    lines.append(f"{'truncation':40}" + "".join(f"{name:>18}" for name in head))

    def row(name, numbers):
        lines.append(f"{name:40}" + "".join(f"{number:18.3f}" for number in numbers))
        print(lines[-1], flush=True)

    row("none, statistics of the preset", untruncated := scores(None))
    row("1, statistics of the preset (control)", scores(1.0))
    rows = []
    for truncation in TRUNCATIONS:
        model.standing_statistics(truncation)
        rows.append(scores(truncation))
        row(f"{truncation:g}, its standing statistics", rows[-1])

    model = kerasgan.load(preset)
    random, size = np.random.default_rng(0), model.latent_dim // len(model.generator_widths)
    latents = random.normal(size=(100, model.latent_dim)).astype("float32")
    before, changes = model.generate([latents, labels[:100]]), []
    for start in range(0, model.latent_dim, size):
        other = latents.copy()
        other[:, start : start + size] = random.normal(size=(100, size))
        changes.append(float(np.abs(model.generate([other, labels[:100]]) - before).mean()))
    lines.append("mean change by a new draw of each chunk: " + ", ".join(f"{change:.3f}" for change in changes))

    numbers = np.array(rows)
    checks = {
        "precision rises": bool((np.diff(numbers[:, [0, 2]], axis=0) > 0).all()),
        "recall falls": bool((np.diff(numbers[:, [1, 3]], axis=0) < 0).all()),
        "labels are right 0.9 times as often as of real images": untruncated[-1] >= 0.9 * real,
        "each chunk changes the images": min(changes) > 0.01,
    }
    lines += [f"{'met' if met else 'NOT MET'}: {sentence}" for sentence, met in checks.items()]
    print_and_write(f"biggan_{preset}", lines)
    return all(checks.values())


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
