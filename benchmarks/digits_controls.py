"""What the metrics give on digits without any GAN: `python -m benchmarks.digits_controls`.

A result on digits says something only beside these numbers. The rungs are, from below: one mean
image per class with a little noise, a Gaussian with independent pixels per class, a Gaussian with
correlated pixels per class, and real images. All are fitted on one half of the data and compared
with the other; the Fréchet distance is in pixels in [0, 1].
"""

import numpy as np

from kerasgan import data, metrics

SPLITS = 5
FAKES_PER_CLASS = 90


def controls(train_x, train_y, test_x, test_y, seed):
    """The metrics of samples that need no GAN, and of real images.

    Args:
        train_x: Real images in [-1, 1], of shape `(n, height, width, channels)`; the baselines are
            fitted to them.
        train_y: Their labels: integers of shape `(n,)`.
        test_x: Real images in [-1, 1] that the samples are compared with.
        test_y: Their labels.
        seed: Seed of the baselines' samples.

    Returns:
        `{metric: {name: value}}` with the metrics `"frechet_distance"` (pixels in [0, 1]) and
        `"classification_accuracy_score"`, and the names `"class mean"`, `"diagonal Gaussian"`,
        `"full Gaussian"` and `"real"` (the training images in the place of the samples).
    """
    train, test = (images.reshape(len(images), -1) / 2 + 0.5 for images in (train_x, test_x))
    samples = metrics.baseline_samples(train, train_y, FAKES_PER_CLASS, seed)
    samples["real"] = train, train_y
    return {
        "frechet_distance": {name: metrics.frechet_distance(test, x) for name, (x, _) in samples.items()},
        "classification_accuracy_score": {
            name: metrics.classification_accuracy_score(x, y, test, test_y) for name, (x, y) in samples.items()
        },
    }


def main():
    from sklearn.model_selection import train_test_split

    x, y = data.load("digits", split="train+test", as_numpy=True)
    runs = []
    for seed in range(SPLITS):
        train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)
        runs.append(controls(train_x, train_y, test_x, test_y, seed))
    print(f"Digits: median (lowest to highest) of {SPLITS} stratified half/half splits")
    for metric, values in runs[0].items():
        print(f"\n{metric}")
        for name in values:
            results = np.sort([run[metric][name] for run in runs])
            median, lowest, highest = np.median(results), results[0], results[-1]
            print(f"  {name:18} {median:.3f}  ({lowest:.3f} to {highest:.3f})")


if __name__ == "__main__":
    main()
