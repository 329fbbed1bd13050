"""The health page of a training run: signals over the steps, thresholds and findings."""

import math

import numpy as np

from kerasgan.callbacks.health import rules

WIDTH, HEIGHT, MARGIN = 460, 250, 60  # of a panel, in pixels; the margin is on the left
COLUMNS = 3
TOP = 70  # height of the title, in pixels
INK, PALE, FLAG = (30, 30, 30), (190, 190, 190), (200, 30, 30)
COLOURS = ((31, 119, 180), (255, 127, 14), (44, 160, 44))
# Title, [(signal, its name in the panel)], thresholds, whether the axis is logarithmic.
PANELS = (
    ("discriminator's accuracy", (("real_accuracy", "reals"), ("fake_accuracy", "samples")), (rules.SURE,), False),
    ("gradient at the samples", (("sample_gradient", "median"),), (), True),
    (
        "gradient norms",
        (("discriminator_gradient_norm", "discriminator"), ("generator_gradient_norm", "generator")),
        (),
        True,
    ),
    (
        "diversity / reals",
        (("diversity", "all"), ("class_diversity", "least diverse class")),
        (rules.COLLAPSED,),
        False,
    ),
    ("recall, coverage / reals", (("recall", "recall"), ("coverage", "coverage")), (rules.NARROW_RECALL,), False),
    ("divergence of class shares", (("class_divergence", "nats"), ("hop", "change")), (rules.UNEVEN,), False),
    ("Frechet distance", (("frechet_distance", "in training"), ("ema_frechet_distance", "averaged")), (), True),
    (
        "discriminator's overfitting, duplicates",
        (("overfitting", "overfitting"), ("duplicates", "duplicates")),
        (rules.OVERFITTED, rules.DUPLICATED),
        False,
    ),
    (
        "copying; label / latent effect",
        (("copy_distance", "distance"), ("nearer_to_train", "nearer"), ("label_effect", "label")),
        (rules.COPIED, rules.IGNORED),
        False,
    ),
)


def draw(history, findings, about):
    """Draws the page.

    Args:
        history: Evaluations, `[{"step": ..., signal: ...}]`.
        findings: List of `Finding`s, drawn as red lines at their steps.
        about: Facts of the page, `{"features": ..., "classes": ..., "reals": ..., "held_out": ...}`.

    Returns:
        A uint8 array of shape (height, width, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    rows = math.ceil(len(PANELS) / COLUMNS)
    listed = findings or [None]
    page = Image.new("RGB", (COLUMNS * WIDTH, TOP + rows * HEIGHT + 30 * len(listed) + 20), "white")
    pen, small, large = ImageDraw.Draw(page), ImageFont.load_default(13), ImageFont.load_default(18)
    steps = [signals["step"] for signals in history]
    last = max(steps, default=0)
    pen.text((20, 12), f"Health after {last:,} steps, {len(history)} evaluations", INK, large)
    facts = f"features: {about['features']}; classes: {about['classes']}; {about['reals']} reals, "
    pen.text((20, 40), f"{facts}{about['held_out']} unseen; dashed: thresholds; red: findings", INK, small)
    for place, (title, signals, thresholds, logarithmic) in enumerate(PANELS):
        corner = (place % COLUMNS * WIDTH, TOP + place // COLUMNS * HEIGHT)
        series = [[past.get(name, math.nan) for past in history] for name, _ in signals]
        names = [name for _, name in signals]
        _panel(pen, small, corner, title, names, steps, series, thresholds, logarithmic, findings)
    y = TOP + rows * HEIGHT + 8
    for number, finding in enumerate(listed):
        text = "Nothing was found." if finding is None else f"{number + 1}. step {finding.step:,}: {finding.sentence}"
        pen.text((20, y + 30 * number), text, INK if finding is None else FLAG, large)
    return np.asarray(page)


def _panel(pen, font, corner, title, names, steps, series, thresholds, logarithmic, findings):
    left, top = corner[0] + MARGIN, corner[1] + 26
    right, bottom = corner[0] + WIDTH - 16, corner[1] + HEIGHT - 34
    pen.rectangle((left, top, right, bottom), outline=PALE)
    pen.text((left, corner[1] + 4), title, INK, font)
    values = np.array(series, dtype="float64")
    if logarithmic:
        values = np.log10(np.where(values > 0, values, np.nan))
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if not logarithmic:
        low, high = min(0.0, low, *thresholds), max(high, *thresholds, 1e-3)
        low, high = max(low, -1.0), min(high, 2.5)  # ratios may be arbitrary if both parts are near 0
    high = max(high, low + 1e-2)
    last = max([*steps, 1])

    def x_of(step):
        return left + (right - left) * step / last

    def y_of(value):
        return bottom - (bottom - top) * (min(max(value, low), high) - low) / (high - low)

    for value in (low, high):
        label = f"{10**value:.2g}" if logarithmic else f"{value:.2g}"
        pen.text((left - 8, y_of(value)), label, INK, font, anchor="rm")
    for step in (0, last):
        pen.text((x_of(step), bottom + 12), f"{step:,}", INK, font, anchor="lm" if step == 0 else "rm")
    for threshold in thresholds:
        for x in range(left, right, 8):
            pen.line((x, y_of(threshold), min(x + 4, right), y_of(threshold)), PALE, 2)
    for number, finding in enumerate(findings):
        x = x_of(finding.step)
        pen.line((x, top, x, bottom), FLAG, 1)
        pen.text((x + 2, top + 2 + 12 * (number % 3)), str(number + 1), FLAG, font)
    for colour, line in zip(COLOURS, values, strict=False):
        points = [(x_of(step), y_of(v)) for step, v in zip(steps, line, strict=True) if np.isfinite(v)]
        if len(points) > 1:
            pen.line(points, colour, 2, joint="curve")
        for x, y in points if len(points) < 30 else ():
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), colour)
    x = right
    for name, colour in reversed(list(zip(names, COLOURS, strict=False))):
        pen.text((x, corner[1] + 4), name, colour, font, anchor="ra")
        x -= pen.textlength(name, font) + 10
