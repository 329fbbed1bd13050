"""Plots of points and numbers without a plotting library."""

import numpy as np

SIDE = 384  # pixels
MARGIN = 0.08  # margin around the points, as a fraction of the side


def scatter(points, limits=None):
    """Draws points in the plane as an image: dark blue dots on white, darker where they are dense.

    Args:
        points: Array of shape (count, 2).
        limits: Limits ((left, right), (bottom, top)) of the image. Defaults to the middle 99.8% of the points.

    Returns:
        A uint8 array of shape (384, 384, 3).
    """
    points = np.asarray(points, "float64")
    points = points[np.isfinite(points).all(axis=1)]
    if limits is None:
        low, high = np.quantile(points, [0.001, 0.999], axis=0) if len(points) else np.array([[-1.0, -1.0], [1.0, 1.0]])
        middle, reach = (low + high) / 2, max(float((high - low).max()) / 2, 1e-6) * (1 + 2 * MARGIN)
        limits = [(m - reach, m + reach) for m in middle]
    edges = [np.linspace(float(start), float(end), SIDE + 1) for start, end in limits]
    counts = np.histogram2d(points[:, 0], points[:, 1], edges)[0].T[::-1]
    ink = np.zeros_like(counts)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            ink += np.roll(counts, (down, right), (0, 1)) * (1.0 if down == right == 0 else 0.6)
    shade = 1.0 - 0.75**ink
    white, blue = np.array([255.0, 255, 255]), np.array([24.0, 50, 130])
    return np.rint(white + shade[..., None] * (blue - white)).astype("uint8")


def histogram(values, bins=64):
    """Draws a histogram of numbers as an image: blue bars on white.

    Args:
        values: Array of shape (count,).
        bins: Number of bars.

    Returns:
        A uint8 array of shape (384, 384, 3).
    """
    values = np.asarray(values, "float64")
    counts, _ = np.histogram(values[np.isfinite(values)], bins)
    picture = np.full((SIDE, SIDE, 3), 255, "uint8")
    heights = np.rint(counts / max(counts.max(), 1) * SIDE * (1 - 2 * MARGIN)).astype(int)
    for place, height in enumerate(heights):
        left, right = place * SIDE // bins, (place + 1) * SIDE // bins
        picture[SIDE - height :, left:right] = (24, 50, 130)
    return picture


def intervals(groups, series, values, title=""):
    """Draws means with confidence intervals, grouped, as an image with a line at 0.

    Args:
        groups: Names of the groups, from left to right.
        series: Names of the series, each in its own colour.
        values: Array of shape (groups, series, 3): mean, lower end and upper end.
        title: Text above.

    Returns:
        A uint8 array of shape (384, width, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    values = np.asarray(values, "float64")
    left, top, bottom, step = 64, 28, 24 + 16 * len(series), 96
    width, height = max(left + step * len(groups) + 16, 320), SIDE
    low, high = min(float(np.nanmin(values)), 0.0), max(float(np.nanmax(values)), 0.0)
    margin = max(high - low, 1e-9) * MARGIN
    low, high = low - margin, high + margin

    def down(value):
        return top + (high - value) / (high - low) * (height - top - bottom)

    page = Image.new("RGB", (width, height), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default_imagefont()
    pen.text((left, 8), title, fill="black", font=font)
    for value in np.linspace(low + margin, high - margin, 5):
        pen.line((left, down(value), width - 16, down(value)), fill=(225, 225, 225))
        pen.text((6, down(value) - 6), f"{value:+.3f}", fill="black", font=font)
    pen.line((left, down(0.0), width - 16, down(0.0)), fill="black")
    colours = [(24, 50, 130), (200, 90, 20), (40, 130, 60), (140, 40, 120)]
    for place, name in enumerate(groups):
        pen.text((left + step * place + 24, height - bottom + 4), str(name), fill="black", font=font)
        for number in range(len(series)):
            mean, start, end = values[place, number]
            x, colour = left + step * place + 24 + 18 * number, colours[number % len(colours)]
            pen.line((x, down(start), x, down(end)), fill=colour, width=2)
            for edge in (start, end):
                pen.line((x - 4, down(edge), x + 4, down(edge)), fill=colour, width=2)
            pen.ellipse((x - 4, down(mean) - 4, x + 4, down(mean) + 4), fill=colour)
    for number, name in enumerate(series):
        y = height - bottom + 22 + 16 * number
        pen.rectangle((left, y + 2, left + 8, y + 10), fill=colours[number % len(colours)])
        pen.text((left + 14, y), name, fill="black", font=font)
    return np.asarray(page)
