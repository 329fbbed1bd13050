"""TextToImageGAN: do its pictures show what their captions say, also captions with combinations that it never saw?

    python -m benchmarks.families.text_to_image [--seeds 1] [--quick]

Scenes of one to four coloured shapes at 32 pixels (`captioned_shapes`), with captions from a grammar. A convolutional
network that never sees a generated picture reads number, background, shapes, colours, sizes, places and relations of
real scenes, and then of pictures of 2,000 captions of the split "test" and of 2,000 captions of the split "held_out",
which name combinations of shape and colour that no training picture has. Requirements: shape, colour, size and
background of the first object are right for 90% of the seen and for 75% of the held-out captions; the discriminator
ranks a real picture's own caption above that of another picture with an AUC of 0.95; and without the mismatched
captions of GAN-CLS (same steps and seed) the mean of the four is at least 5 points lower. Controls: real pictures, and
pictures of captions of other scenes, which must fail.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings

SIZE, BATCH, KIMG, TEXT_KIMG = 32, 64, 500, 200
SIZES = {"width": 24, "text_size": 64, "text_width": 32}
RECIPE = {"batch_size": BATCH, "matching_kimg": TEXT_KIMG, "steps_per_execution": 11}
FACTS = ("background", "count", "shapes", "colours", "sizes", "relation", "place")
# One head for each fact; a pair's objects are ordered from left to right or from the top, as a caption may name
# either first.
HEADS = {"background": 4, "count": 4, "shape": 7, "colour": 8, "size": 2, "axis": 2, "place": 9}
HEADS |= {"second shape": 7, "second colour": 8, "second size": 2}
REQUIRED = ("shape", "colour", "size", "background")
SAMPLES = 2000


def scenes(split, count=None):
    """Pictures, captions, and each head's answers (-1 where a scene has none)."""
    from kerasgan import data

    x, y = data.load("captioned_shapes", split, SIZE, as_numpy=True, features=("caption", *FACTS))
    facts = {name: np.asarray(y[name])[:count] for name in FACTS}
    return np.asarray(x)[:count], np.asarray(y["caption"])[:count], answers(facts)


def answers(facts):
    """The heads' answers, of the dataset's attributes."""
    first_is_far = np.isin(facts["relation"], (1, 3))  # right of, below
    order = np.where(first_is_far[:, None], [[1, 0]], [[0, 1]])
    near = {name: np.take_along_axis(facts[f"{name}s"], order, axis=1) for name in ("shape", "colour", "size")}
    found = {"background": facts["background"], "count": facts["count"] - 1, "place": facts["place"]}
    found["axis"] = np.where(facts["relation"] < 0, -1, facts["relation"] // 2)
    for name, values in near.items():
        found[name], found[f"second {name}"] = values[:, 0], values[:, 1]
    return {name: np.asarray(found[name], "int64") for name in HEADS}


def reader(x, y, epochs=8):
    """A network that reads all facts of pictures, trained on real ones."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    images = keras.Input(x.shape[1:])
    h = images
    for width in (24, 48, 96):
        h = layers.Conv2D(width, 3, padding="same", use_bias=False)(h)
        h = layers.ReLU()(layers.BatchNormalization()(h))
        h = layers.MaxPooling2D()(h)
    h = layers.Dropout(0.2)(layers.Dense(192, "relu")(layers.Flatten()(h)))
    model = keras.Model(images, {name.replace(" ", "_"): layers.Dense(n)(h) for name, n in HEADS.items()})
    rule = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(x) // 128)), rule)
    targets = {name.replace(" ", "_"): np.maximum(values, 0) for name, values in y.items()}
    asked = {name.replace(" ", "_"): (values >= 0).astype("float32") for name, values in y.items()}
    model.fit(x, targets, sample_weight=asked, batch_size=128, epochs=epochs, verbose=0)
    return model


def read(model, x, y):
    """Share of right answers of each head where there is one, and of pairs with both colours in the right order."""
    found = {name.replace("_", " "): v.argmax(-1) for name, v in model.predict(x, batch_size=256, verbose=0).items()}
    right = {name: float((found[name] == y[name])[y[name] >= 0].mean()) for name in HEADS}
    pairs = (y["axis"] >= 0) & (y["colour"] != y["second colour"])
    ordered = [found[name] == y[name] for name in ("axis", "colour", "second colour")]
    return right | {"relation": float(np.all(ordered, axis=0)[pairs].mean())}


def auc(model, x, captions):
    """Area under the curve of the discriminator's scores of real pictures: with their own captions, with others'."""
    from scipy.stats import rankdata

    ids = model.conditions.spec.encode(captions)
    other = np.roll(ids, 1, axis=0)
    differ = (ids != other).any(axis=1)

    def scores(texts):
        from keras import ops

        parts = [slice(place, place + 250) for place in range(0, len(x), 250)]
        pairs = [[ops.convert_to_tensor(x[part]), model.embed(texts[part])] for part in parts]
        logits = [model.discriminator(pair, training=False) for pair in pairs]
        return np.concatenate([ops.convert_to_numpy(part)[:, 0] for part in logits])

    own, others = scores(ids)[differ], scores(other)[differ]
    ranks = rankdata(np.concatenate([own, others]))[: len(own)]
    return float((ranks.sum() - len(own) * (len(own) + 1) / 2) / (len(own) * len(others)))


@functools.cache
def prepared(count):
    """`count` training pictures (None: all) and captions, the test splits, and the reader."""
    x, captions, y = scenes("train", count)
    tests = {"seen": scenes("test", SAMPLES), "held out": scenes("held_out", SAMPLES)}
    return x, captions, tests, reader(x, y)


def run(seed, steps, mismatched):
    """Trains with or without mismatched captions, and reads pictures of captions of both splits."""
    import keras

    from kerasgan import TextToImageGAN
    from kerasgan.data.kinds import Characters
    from kerasgan.objectives.penalties import R1

    full = steps == KIMG * 1000 // BATCH
    x, captions, tests, judge = prepared(None if full else 1000)
    keras.utils.set_random_seed(seed)
    model = TextToImageGAN(x.shape[1:], condition=Characters.of(captions), seed=seed, **SIZES)
    model.compile(penalties=[R1(gamma=1.0, interval=4)], mismatched_weight=0.5 if mismatched else 0.0, **RECIPE)
    count = min(len(x), steps * BATCH)
    model.fit(x[:count], captions[:count], epochs=max(1, steps * BATCH // len(x)), verbose=0)
    results = {}
    for name, (real, texts, facts) in tests.items():
        made = model.sample(list(texts), seed=seed)
        results |= {
            f"real, {name}": read(judge, real, facts),
            name: read(judge, made, facts),
            f"other captions, {name}": read(judge, np.roll(made, 1, axis=0), facts),
            f"AUC, {name}": auc(model, real, texts),
        }
    if seed == 0 and full and mismatched:
        from benchmarks.journal import RESULTS
        from kerasgan.pictures.images import grid, write_png

        shown = [np.concatenate([tests[name][0][:10], model.sample(list(tests[name][1][:10]))]) for name in tests]
        write_png(RESULTS / "text_to_image.png", grid(np.concatenate(shown), columns=10))
    return results


def main():
    asked = Trainings.asked_for(__doc__, "text_to_image", ["captioned_shapes"])
    steps = KIMG * 1000 // BATCH
    kinds = {"with mismatched captions": True, "without": False}
    rows = {
        name: asked.rows(functools.partial(run, mismatched=on), steps, seeds=1, data="captioned_shapes", mismatched=on)
        for name, on in kinds.items()
    }

    def median(rows, name, head):
        return float(np.median([row[name][head] for row in rows]))

    ours, without = rows.values()
    heads = [*REQUIRED, "count", "place", "axis", "relation"]
    title = f"TextToImageGAN on captioned shapes, {len(ours)} seed(s), {KIMG},000 images"
    lines = [
        f"{title}, the first {TEXT_KIMG},000 for the text encoder",
        f"{'':42}" + "".join(f"{head:>12}" for head in heads),
    ]
    for split in ("seen", "held out"):
        table = {f"real, {split}": ours, split: ours, f"other captions, {split}": ours}
        for name, found in table.items():
            lines.append(f"{name:42}" + "".join(f"{median(found, name, head):12.3f}" for head in heads))
        lines.append(f"{split + ', without mismatched captions':42}")
        lines[-1] += "".join(f"{median(without, split, head):12.3f}" for head in heads)
    areas = [float(np.median([row["AUC, seen"] for row in found])) for found in (ours, without)]
    lines.append(f"AUC of matching {areas[0]:.3f}, without mismatched captions {areas[1]:.3f}")
    minutes = np.median([row["cpu_seconds"] for row in ours]) / 60
    lines.append(f"{minutes:.1f} processor minutes a seed")

    def least(name, found=ours):
        return min(median(found, name, head) for head in REQUIRED)

    def mean(found):
        return np.mean([median(found, "seen", head) for head in REQUIRED])

    checks = {
        "real pictures pass": least("real, seen") >= 0.9 and least("real, held out") >= 0.75,
        "seen captions: each of the four attributes is right for 90%": least("seen") >= 0.9,
        "held-out combinations: each of the four is right for 75%": least("held out") >= 0.75,
        "pictures of other captions fail": least("other captions, seen") < 0.75,
        "AUC of matching of 0.95": areas[0] >= 0.95,
        "without mismatched captions, 5 points fewer": mean(without) <= mean(ours) - 0.05,
    }
    return asked.report("captioned_shapes", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
