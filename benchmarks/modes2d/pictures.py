"""Plots of samples in two dimensions, on the discriminator's field."""

import numpy as np

from benchmarks.modes2d import DATASETS, FRAMES, JUDGED, METHODS, RUNS, mixture, reach

PANEL, TITLE = 200, 16


def panel(title, points, dataset, background=None):
    """Draws a titled square plot of points, on white or on a discriminator's field (orange: more real, blue: less)."""
    from PIL import Image, ImageDraw

    colours = np.full((PANEL, PANEL, 3), 255.0)
    if background is not None:
        field = background.astype("float64") - np.median(background)
        level = np.clip(field / max(np.quantile(np.abs(field), 0.9), 1e-6), -1, 1)
        level = np.asarray(Image.fromarray(level.astype("float32")).resize((PANEL, PANEL), Image.Resampling.BILINEAR))
        towards = np.where(level[..., None] > 0, (255.0, 170.0, 60.0), (70.0, 130.0, 220.0))
        colours += np.abs(level[..., None]) * (towards - colours)
    places = (points.astype("float64") * (1, -1) / reach(dataset) + 1) * PANEL / 2
    inside = places[((places >= 0) & (places < PANEL)).all(axis=1)].astype(int)
    colours[inside[:, 1], inside[:, 0]] = 0
    picture = Image.new("RGB", (PANEL, PANEL + TITLE), "white")
    picture.paste(Image.fromarray(colours.astype("uint8")), (0, TITLE))
    drawing = ImageDraw.Draw(picture)
    drawing.text((4, 2), title, "black")
    drawing.rectangle((0, TITLE, PANEL - 1, PANEL + TITLE - 1), outline="gray")
    return np.asarray(picture)


def kept(dataset, method, label):
    """Returns the files of seed 0 of a method in the folder of runs, or None."""
    path = RUNS / f"{dataset}_{method}_0_{label}.npz"
    return np.load(path) if path.exists() else None


def sheet(label):
    """Draws all methods' samples side by side, with separate rows for each dataset; None if there are none."""
    rows = []
    for dataset in DATASETS:
        points, scale, *_ = mixture(dataset)
        found = {key: kept(dataset, key, label) for key in METHODS}
        row = [panel(METHODS[key].name, x["samples"], dataset) for key, x in found.items() if x is not None]
        if row:
            rows.append([panel("real points", points[: JUDGED[0]] * scale, dataset), *row])
    if not rows:
        return None
    columns = min(7, max(map(len, rows)))
    cells = [cell for row in rows for cell in row + [np.full_like(row[0], 255)] * (-len(row) % columns)]
    return np.concatenate([np.concatenate(cells[i : i + columns], axis=1) for i in range(0, len(cells), columns)])


def movie(dataset, path, methods=("ns", "pac2", "r3")):
    """Draws an animation of samples on the discriminator's field over training, with the methods side by side."""
    from PIL import Image

    found = {key: kept(dataset, key, "short") for key in methods}
    if any(film is None for film in found.values()):
        return
    steps = np.geomspace(300, min(film["frame_steps"][-1] for film in found.values()), FRAMES)
    pictures = []
    for step in steps:
        row = []
        for key, film in found.items():
            place = min(np.searchsorted(film["frame_steps"], step), len(film["frame_steps"]) - 1)
            title = f"{METHODS[key].name}, step {film['frame_steps'][place]:,}"
            row.append(panel(title, film["frame_samples"][place], dataset, film["frame_fields"][place]))
        pictures.append(Image.fromarray(np.concatenate(row, axis=1)).quantize(64, dither=Image.Dither.NONE))
    times = [120] * (len(pictures) - 1) + [3000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times, loop=0)
