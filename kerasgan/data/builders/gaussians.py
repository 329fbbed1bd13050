"""Points from Gaussian mixtures and a curve in one and two dimensions, the standard benchmarks for mode collapse."""

import math

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Tensor

ANGLES = 2 * np.pi * np.arange(8) / 8
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
AXIS = np.arange(-4.0, 5.0, 2.0)
# Means of the modes, their standard deviation and, if they differ, their probabilities.
MIXTURES = {
    "ring": (CIRCLE, 0.01, None),
    "ring2": (2 * CIRCLE, 0.02, None),
    "grid": (np.stack(np.meshgrid(AXIS, AXIS, indexing="ij"), axis=-1).reshape(25, 2), 0.05, None),
    "line": (AXIS[:, None], 0.05, None),
    "uneven": (np.array([[-2.0], [0.0], [2.0]]), 0.2, (0.6, 0.3, 0.1)),
    "s_curve": (np.array([[0.0, 1.0], [0.0, -1.0]]), 0.05, None),
}


class Gaussians(ProceduralDataset):
    """Points from exactly known distributions, 100,000 for training and 10,000 for testing.

    Configs:

    * `ring`: 8 Gaussians on a circle of radius 1, σ 0.01 (VEEGAN, Srivastava et al. 2017; PacGAN, Lin et al. 2018);
    * `ring2`: 8 Gaussians on a circle of radius 2, σ 0.02 (Unrolled GAN, Metz et al. 2017, appendix A);
    * `grid`: 25 Gaussians at {-4, -2, 0, 2, 4}², σ 0.05 (VEEGAN, PacGAN);
    * `line`: 5 Gaussians in one dimension at -4, -2, 0, 2, 4, σ 0.05;
    * `uneven`: 3 Gaussians in one dimension at -2, 0, 2, σ 0.2, with probabilities 0.6, 0.3, 0.1;
    * `s_curve`: two arcs of radius 1 and 270 degrees, as in scikit-learn's `make_s_curve`, with noise of σ 0.05.

    For well separated modes, a sample has high quality if it is within 3 σ of the nearest mode. In two dimensions
    98.89% of the real samples have high quality.

    Attributes:
        modes: Means of the modes, of shape (modes, dimensions). For the S-curve, the centres of its arcs.
        sigma: Standard deviation of a mode along each axis. For the S-curve, around the curve.
        weights: Probability of each mode, of shape (modes,).
    """

    name = "gaussians"
    version = "1.0.0"
    description = (
        "Points of mixtures of Gaussians (ring, grid, line) and of an S-curve, with the mode that each was drawn from."
    )
    license = "CC0 1.0"
    configs = tuple(MIXTURES)
    sample = "point"
    image_sizes = range(0)
    sheet_count = 5000
    counts = {"train": 100_000, "test": 10_000}

    def __init__(self, config=None, **options):
        super().__init__(config, **options)
        self.modes, self.sigma, weights = MIXTURES[self.config]
        self.weights = np.full(len(self.modes), 1 / len(self.modes)) if weights is None else np.array(weights)

    @property
    def features(self):
        names = tuple(str(tuple(mode.round(2).tolist())) for mode in self.modes)
        return {
            "point": Tensor(self.modes.shape[1:], "float32", "the sample, without unit"),
            "label": ClassLabel(names, "the mode; of the S-curve the arc"),
        }

    def example(self, rng, split, index):
        # Exact for equal weights; a cumulative sum would round.
        mode = (
            rng.integers(len(self.modes)) if np.ptp(self.weights) == 0 else rng.choice(len(self.modes), p=self.weights)
        )
        point = self.modes[mode] + self.sigma * rng.standard_normal(self.modes.shape[1])
        if self.config == "s_curve":
            angle = rng.uniform(0.0, 1.5 * math.pi)
            side = 1 - 2 * mode  # each arc is the other one rotated by half a turn about the origin
            point += side * np.array([-math.sin(angle), -math.cos(angle)])
        return {"point": point.astype("float32"), "label": int(mode)}

    def sheet(self, arrays):
        """Draws a histogram of the points: darkness in two dimensions, columns in one."""
        points, side = arrays["point"], 256
        reach = 1.1 * np.abs(points).max()
        edges = np.linspace(-reach, reach, side + 1)
        if points.shape[1] == 1:
            heights = np.histogram(points[:, 0], edges)[0]
            inked = np.arange(side)[::-1, None] < heights * (side - 1) / heights.max()
        else:
            inked = np.histogram2d(-points[:, 1], points[:, 0], (edges, edges))[0] > 0
        return np.where(inked[..., None], np.uint8(0), np.uint8(255)).repeat(3, axis=2)
