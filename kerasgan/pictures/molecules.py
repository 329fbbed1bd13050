"""Structural formulas of molecules, with atom letters, as SVG."""

from html import escape

import numpy as np

from kerasgan.pictures.graphs import layout

EDGE = 40.0  # pixels: length of an edge
MARGIN, GAP = 24.0, 4.0  # pixels: around a drawing, and between the lines of a double edge
AROMATIC = 4  # edge type that is drawn as a solid and a dashed line
COLOURS = {"N": "#1d4ed8", "O": "#b91c1c", "S": "#854d0e", "F": "#166534", "Cl": "#166534", "Br": "#7c2d12"}


def draw_molecule(nodes, edges, symbols):
    """Draws a graph with node and edge types. Carbon is a corner without a letter, as usual.

    Args:
        nodes: Types of the nodes, integers of shape (nodes,); 0 means no node.
        edges: Types of the edges, integers of shape (nodes, nodes), symmetric: 0 none, 1 to 3 the number of lines, 4 an
            aromatic bond.
        symbols: Symbols of the node types.

    Returns:
        The text of an SVG file.
    """
    nodes, edges = np.asarray(nodes), np.asarray(edges)
    there = np.flatnonzero(nodes)
    places = np.zeros((len(nodes), 2))
    if len(there):
        found = layout(edges[np.ix_(there, there)]) * EDGE
        places[there] = found - found.min(axis=0) + MARGIN
    width, height = places[there].max(axis=0) + MARGIN if len(there) else (2 * MARGIN, 2 * MARGIN)
    parts = [
        _line(places[one], places[other], int(edges[one, other]))
        for one in there
        for other in there
        if one < other and edges[one, other]
    ]
    parts += [_letter(places[node], symbols[nodes[node]], not edges[node].any()) for node in there]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _line(start, end, kind):
    along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
    aside = np.array([-along[1], along[0]]) * GAP
    shifts = {2: (-0.5, 0.5), 3: (-1.0, 0.0, 1.0), AROMATIC: (-0.5, 0.5)}.get(kind, (0.0,))
    lines = []
    for place, shift in enumerate(shifts):
        (x1, y1), (x2, y2) = start + shift * aside, end + shift * aside
        dashes = ' stroke-dasharray="4 3"' if kind == AROMATIC and place else ""
        lines.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#222" stroke-width="1.6"{dashes}/>'
        )
    return "".join(lines)


def _letter(place, symbol, alone):
    if symbol == "C" and not alone:
        return ""
    x, y = place
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="#fff"/><text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" '
        f'font-family="sans-serif" font-size="14" fill="{COLOURS.get(symbol, "#222")}">{escape(symbol)}</text>'
    )
