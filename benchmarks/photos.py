"""Enlargements of photographs, four times along each side, between what needs no GAN and the photographs themselves.

    python -m benchmarks.photos [PRESET ...] [--fresh]

Presets are names or folders; by default `srresnet_photos` and `srgan_photos`. They enlarge the test patches of
`photo_patches/96`, which are of photographs that no training has seen, from 24 pixels to 96. A row is kept in
results/photos.jsonl until the preset's weights change. Columns:

* PSNR, SSIM: of luma, 4 pixels cut off at the border, as published.
* consistency: PSNR of the enlargement, made small again, against the small picture, dB.
* features: Fréchet distance to the photographs in a fixed random network, `random-conv-seed0`.
* spectrum: mean difference of the logarithms of the power at the upper half of the spatial frequencies, absolute.

Controls: bicubic enlargement, and a linear regression from 5x5 small pixels to the 4x4 large ones in their middle.
Requirements: SRResNet is 1 dB better than bicubic and 0.3 dB better than the regression; SRGAN loses at most 3 dB to
it, has at most 0.7 times its distance of features and difference of spectra, and both agree with their input by 35 dB.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

SIZE, FACTOR, BORDER, SEEN = 96, 4, 4, 5
FITTED, SHOWN, RIDGE = 400, 6, 1e-3
COLUMNS = ("PSNR", "SSIM", "consistency", "features", "spectrum")
FAITHFUL, SHARP = "srresnet_photos", "srgan_photos"


def windows(small):
    """The 5x5 pixels around each pixel, mirrored at the border: (count, height, width, 75)."""
    edge = SEEN // 2
    padded = np.pad(small, ((0, 0), (edge, edge), (edge, edge), (0, 0)), "reflect")
    seen = np.lib.stride_tricks.sliding_window_view(padded, (SEEN, SEEN), axis=(1, 2))
    return seen.reshape(*small.shape[:3], -1)


def blocks(large):
    """The 4x4 pixels that belong to each small pixel: (count, height, width, 48)."""
    count, height, width, channels = large.shape
    parts = large.reshape(count, height // FACTOR, FACTOR, width // FACTOR, FACTOR, channels)
    return parts.transpose(0, 1, 3, 2, 4, 5).reshape(count, height // FACTOR, width // FACTOR, -1)


def regression(small, large):
    """Fits a linear regression from windows to blocks and returns it as a function of small pictures."""
    x = windows(small).reshape(-1, SEEN * SEEN * small.shape[-1]).astype("float64")
    y = blocks(large).reshape(len(x), -1).astype("float64")
    middle_x, middle_y = x.mean(axis=0), y.mean(axis=0)
    x, y = x - middle_x, y - middle_y
    weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ y)

    def enlarge(pictures):
        count, height, width, channels = pictures.shape
        made = (windows(pictures) - middle_x) @ weights + middle_y
        made = made.reshape(count, height, width, FACTOR, FACTOR, channels).transpose(0, 1, 3, 2, 4, 5)
        return np.clip(made.reshape(count, height * FACTOR, width * FACTOR, channels), -1, 1).astype("float32")

    return enlarge


def power(images):
    """Mean power of luma at the upper half of the spatial frequencies, by frequency."""
    from kerasgan.metrics.luma import luma

    gray = luma(images, (-1, 1)).reshape(len(images), SIZE, SIZE)
    window = np.outer(np.hanning(SIZE), np.hanning(SIZE))
    found = (np.abs(np.fft.fft2((gray - gray.mean(axis=(1, 2), keepdims=True)) * window)) ** 2).mean(axis=0)
    places = np.fft.fftfreq(SIZE) * SIZE
    radius = np.rint(np.hypot(places[:, None], places[None])).astype(int)
    return np.array([found[radius == r].mean() for r in range(SIZE // 4, SIZE // 2)])


def scores(made, small, large):
    """Scores of enlargements in [-1, 1] of small pictures."""
    from kerasgan import metrics
    from kerasgan.data.degradation import resized

    again = resized(made, small.shape[1:3])
    errors = np.mean(((again - small) / 2) ** 2, axis=(1, 2, 3))
    return {
        "PSNR": float(metrics.luma_psnr(large, made, (-1, 1), border=BORDER).mean()),
        "SSIM": float(metrics.luma_ssim(large, made, (-1, 1), border=BORDER).mean()),
        "consistency": float(np.mean(-10 * np.log10(errors + 1e-10))),
        "features": float(metrics.frechet_distance(large, made, features="random-conv-seed0")),
        "spectrum": float(np.abs(np.log(power(made)) - np.log(power(large))).mean()),
    }


def table(rows):
    """The rows as a Markdown table."""
    head = ("", "weights, millions", "images seen, thousands", "minutes", *COLUMNS)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        numbers = [row.get("weights"), row.get("kimg"), row.get("minutes"), *(row[column] for column in COLUMNS)]
        lines.append(f"| {row['name']} | " + " | ".join("" if n is None else f"{n:.4g}" for n in numbers) + " |")
    return lines


def checks(rows):
    """Sentences of what is required, and whether it is met."""
    bicubic, linear = rows["bicubic"], rows["regression"]
    faithful, sharp = rows.get(FAITHFUL), rows.get(SHARP)
    if not faithful or not sharp:
        return {}
    found = {
        "SRResNet is 1 dB better than bicubic": faithful["PSNR"] >= bicubic["PSNR"] + 1.0,
        "SRResNet is 0.3 dB better than the regression": faithful["PSNR"] >= linear["PSNR"] + 0.3,
        "SRGAN loses at most 3 dB": sharp["PSNR"] >= faithful["PSNR"] - 3.0,
    }
    for column in ("features", "spectrum"):
        found[f"SRGAN has at most 0.7 times SRResNet's {column}"] = sharp[column] <= 0.7 * faithful[column]
    found["both agree with their input by 35 dB"] = min(faithful["consistency"], sharp["consistency"]) >= 35.0
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET", help=f"names or folders (default: {FAITHFUL}, {SHARP})")
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    arguments = parser.parse_args()

    import kerasgan
    from kerasgan import zoo
    from kerasgan.data import degradation
    from kerasgan.data.degradation import enlarged
    from kerasgan.pictures.images import write_png
    from kerasgan.zoo.preset import WEIGHTS

    journal = Journal("photos", arguments.fresh)
    train, large = (
        kerasgan.data.load("photo_patches/96", split, SIZE, as_numpy=True, labels=False) for split in ("train", "test")
    )

    def shrunk(images):
        return degradation.get("bicubic").apply(images, FACTOR, np.arange(len(images)))

    small, few = shrunk(large), train[:FITTED]
    pictures = {"input": np.repeat(np.repeat(small[:SHOWN], FACTOR, 1), FACTOR, 2)}
    linear = regression(shrunk(few), few)
    rows = {}
    for name, enlarge in {"bicubic": lambda x: enlarged(x, FACTOR), "regression": linear}.items():
        rows[name] = journal.once(lambda enlarge=enlarge: scores(enlarge(small), small, large), name=name)
        pictures[name] = enlarge(small[:SHOWN])
        print(table([rows[name]])[-1], flush=True)
    for each in arguments.presets or [name for name in (FAITHFUL, SHARP) if name in zoo.names()]:
        preset, model, name = zoo.find(each), kerasgan.load(each), Path(each).name

        def measured(preset=preset, model=model):
            known = preset.metadata
            about = {"kimg": known.get("kimg"), "minutes": known.get("cpu_minutes", known.get("minutes"))}
            made = np.concatenate([model.translate(small[i : i + 32]) for i in range(0, len(small), 32)])
            return {"weights": model.generator.count_params() / 1e6, **about, **scores(made, small, large)}

        rows[name] = journal.once(measured, name=name, sha256=preset.metadata["files"][WEIGHTS]["sha256"])
        pictures[name] = model.translate(small[:SHOWN])
        print(table([rows[name]])[-1], flush=True)
    pictures["original"] = large[:SHOWN]
    sheet = np.concatenate([np.concatenate(list(images), axis=1) for images in pictures.values()])
    write_png(RESULTS / "photos.png", ((np.clip(sheet, -1, 1) + 1) * 127.5).round().astype("uint8"))
    met = checks(rows)
    said = [f"* {'met' if good else 'NOT MET'}: {sentence}" for sentence, good in met.items()]
    about = [f"Rows of [the picture](photos.png): {', '.join(pictures)}. {len(large)} patches.", ""]
    text = "\n".join([*table(rows.values()), "", *said, "", *about, __doc__.split("Columns:\n\n")[1]])
    (RESULTS / "photos.md").write_text(text, "utf-8")
    print("\n".join(said))
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
