"""Drawings of small graphs, such as molecules."""

import numpy as np

# Colours of the node types from 1 on: carbon, nitrogen, oxygen, fluorine, sulfur, chlorine and bromine, then others.
COLORS = (
    *((70, 70, 70), (50, 80, 220), (220, 40, 40), (60, 170, 60), (220, 180, 30), (30, 200, 120), (150, 60, 30)),
    *((140, 60, 190), (30, 160, 200), (240, 120, 30)),
)
LINE, BACKGROUND = (110, 110, 110), (255, 255, 255)
SCALE = 4  # factor of supersampling
LINES = 3  # maximum number of lines of an edge
STEPS = 80  # number of layout steps
APART = 1.5  # distance of unconnected nodes beyond half of the largest distance of connected nodes


def layout(edges):
    """Computes node positions in the plane whose distances are about the numbers of edges between the nodes.

    Starting from a circle, majorization (Gansner et al. 2004) reduces the stress of Kamada & Kawai (1989).

    Args:
        edges: Array of shape (nodes, nodes), 0 for none.

    Returns:
        A float array of shape (nodes, 2).
    """
    count = len(edges)
    if count == 1:
        return np.zeros((1, 2))
    far = np.where((edges > 0) | (edges.T > 0), 1.0, np.inf)
    np.fill_diagonal(far, 0.0)
    for middle in range(count):
        far = np.minimum(far, far[:, middle, None] + far[None, middle])
    reached = np.isfinite(far)
    far[~reached] = far[reached].max() / 2 + APART
    weights = 1.0 / np.maximum(far, 1e-9) ** 2
    np.fill_diagonal(weights, 0.0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.pinv(laplacian)
    angles = 2 * np.pi * np.arange(count) / count
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1) * far.max() / 2
    for _ in range(STEPS):
        gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
        ratios = -weights * far / np.maximum(gaps, 1e-9)
        np.fill_diagonal(ratios, 0.0)
        np.fill_diagonal(ratios, -ratios.sum(axis=1))
        places = inverse @ (ratios @ places)
    return places


def draw_graph(nodes, edges, size=96):
    """Draws a graph.

    Nodes are discs in the colours of their types. Edges are one, two or three lines; edges of other types, such as
    aromatic bonds, are thick lines.

    Args:
        nodes: Integers of shape (nodes,), 0 for none.
        edges: Integers of shape (nodes, nodes), 0 for none, symmetric.
        size: Height and width in pixels.

    Returns:
        A float32 array of shape (size, size, 3) in [-1, 1].
    """
    from PIL import Image, ImageDraw

    there = np.flatnonzero(nodes)
    types, joined = np.asarray(nodes)[there], np.asarray(edges)[np.ix_(there, there)]
    picture = Image.new("RGB", (size * SCALE, size * SCALE), BACKGROUND)
    if len(there):
        places = layout(joined)
        places = places - (places.min(axis=0) + places.max(axis=0)) / 2
        unit = min(0.42 * size / max(np.abs(places).max(), 1e-9), size / 4) * SCALE  # length of an edge in pixels
        places = places * unit + size * SCALE / 2
        draw, thick = ImageDraw.Draw(picture), max(SCALE, round(unit / 14))
        for first, second in zip(*np.nonzero(np.triu(joined, 1)), strict=True):
            a, b = places[first], places[second]
            across = np.array([b[1] - a[1], a[0] - b[0]])
            across = across / max(np.linalg.norm(across), 1e-9) * thick * 2.2
            kind = int(joined[first, second])
            lines, wide = (kind, thick) if kind <= LINES else (1, 3 * thick)
            for number in range(lines):
                moved = across * (number - (lines - 1) / 2)
                draw.line([*(a + moved), *(b + moved)], fill=LINE, width=wide)
        radius = max(unit * 0.24, SCALE)
        for (x, y), kind in zip(places, types, strict=True):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=COLORS[(int(kind) - 1) % len(COLORS)])
    small = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(small, "float32") / 127.5 - 1.0
