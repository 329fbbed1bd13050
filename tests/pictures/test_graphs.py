"""Drawings of graphs."""

import numpy as np

from kerasgan.data.kinds import Graphs
from kerasgan.pictures.graphs import COLORS, draw_graph, layout


def path(count):
    edges = np.zeros((count, count), int)
    edges[np.arange(count - 1), np.arange(1, count)] = 1
    return edges + edges.T


def test_places_are_as_far_apart_as_edges_lie_between_them():
    places = layout(path(5))
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    wanted = np.abs(np.arange(5)[:, None] - np.arange(5)[None])
    np.testing.assert_allclose(gaps, wanted, atol=0.15)
    square = path(4)
    square[0, 3] = square[3, 0] = 1
    places = layout(square)
    sides = [np.linalg.norm(places[i] - places[(i + 1) % 4]) for i in range(4)]
    assert np.ptp(sides) < 0.05 and np.linalg.norm(places[0] - places[2]) > 1.2 * sides[0]


def test_parts_without_an_edge_between_them_lie_apart():
    edges = np.zeros((4, 4), int)
    edges[0, 1] = edges[1, 0] = edges[2, 3] = edges[3, 2] = 1
    places = layout(edges)
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert max(gaps[0, 1], gaps[2, 3]) < min(gaps[0, 2], gaps[0, 3], gaps[1, 2], gaps[1, 3])


def test_a_picture_has_the_colours_of_the_types_and_a_line_for_each_bond():
    def picture(nodes, bond=1):
        return draw_graph(np.array(nodes), bond * path(len(nodes)), 64)

    def shown(image, color):
        return np.abs((image + 1) * 127.5 - color).max(axis=-1) < 12

    image = picture([1, 3])
    assert image.shape == (64, 64, 3) and image.dtype == np.float32 and np.abs(image).max() <= 1
    assert all(shown(image, COLORS[kind - 1]).sum() > 20 for kind in (1, 3))
    assert not shown(image, COLORS[1]).any()
    ink = [(picture([1, 1], bond) < 0.9).any(axis=-1).sum() for bond in (1, 2, 3, 4)]
    assert ink[0] < ink[1] < ink[2] and ink[3] > ink[0]
    assert (picture([0, 0]) > 0.99).all()  # no nodes


def test_graphs_draw_themselves():
    kind = Graphs(5, 4, 3)
    sheet = kind.sheet(kind.example(6, 0), columns=3)
    assert sheet.dtype == np.uint8 and sheet.ndim == 3 and sheet.shape[-1] == 3
