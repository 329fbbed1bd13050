"""The measurement settings reported with every score."""

import dataclasses

from kerasgan.metrics.features import INCEPTION

# Names reserved for one feature network.
RESERVED = {"frechet_distance": "FID", "kernel_distance": "KID", "inception_score": "Inception score"}
TITLES = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "kernel_distance_error": "kernel distance, standard error",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "nearest_neighbour": "nearest-neighbour accuracy",
    "nearest_neighbour_real": "nearest-neighbour accuracy, real",
    "nearest_neighbour_fake": "nearest-neighbour accuracy, fake",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "different_bins": "share of different bins",
    "inception_score": "classifier score",
    "class_histogram": "distance of the class histograms",
    "label_fidelity": "label fidelity",
    "classification_accuracy": "classification accuracy score",
}


@dataclasses.dataclass(frozen=True)
class Protocol:
    """Measurement settings of scores.

    Args:
        features: Name of the features.
        real_count: Number of real samples.
        real: Name of the real samples, for example "digits/test".
        fake_count: Number of generated samples.
        resizing: Size of the images and how they are resized, for example "8×8 not resized".
        seed: Random seed of the choice of real samples, the generated samples and the metrics.
    """

    features: str
    real_count: int
    real: str
    fake_count: int
    resizing: str
    seed: int

    def __str__(self):
        return (
            f"features {self.features}, real {self.real_count} of {self.real}, fake {self.fake_count}, "
            f"{self.resizing}, seed {self.seed}"
        )

    def title(self, score):
        """Returns the display name of a score: "FID" or "KID" only with the features `inception-2015`."""
        return RESERVED.get(score, TITLES[score]) if self.features == INCEPTION else TITLES[score]

    def line(self, score, value, floor=None):
        """Returns a line to quote a score, with the score of real samples as `floor`."""
        beside = "" if floor is None else f" [floor {floor:.3g}]"
        return f"{self.title(score)} ({self}): {value:.4g}{beside}"
