"""The pictures hold what the catalogue says: fluxes, shapes, the PSF and the noise."""

import numpy as np
import pytest
from scipy import ndimage, special

from kerasgan.data.builders import galaxies
from kerasgan.data.builders.galaxies import CEILING, CLASSES, Galaxies

FWHM = 2.3548200450309493  # Over standard deviation, of a Gaussian.


@pytest.fixture(scope="module")
def catalogue():
    return Galaxies(count=300).arrays("test")


def rows(catalogue):
    return [{name: values[index] for name, values in catalogue.items()} for index in range(len(catalogue["label"]))]


def counts(row, name):
    return Galaxies().to_counts(row[name][..., 0]).astype("float64")


def distances(row, pixels=1):
    centres = (np.arange(64 * pixels) + 0.5) / pixels - 32
    return np.hypot(centres - row["x"], centres[:, None] - row["y"])


def share_within(aperture, index, radius, axis_ratio):
    """Share of a Sérsic profile's light in a circle: the incomplete gamma function, averaged over the ellipse."""
    scale = special.gammaincinv(2 * index, 0.5)
    angle = (np.arange(720) + 0.5) * np.pi / 360
    edge = aperture / np.sqrt(np.cos(angle) ** 2 + (axis_ratio * np.sin(angle)) ** 2)
    return special.gammainc(2 * index, scale * (edge / radius) ** (1 / index)).mean()


def expected_flux(row, aperture):
    bulge, disk = row["bulge_fraction"], 1 - row["bulge_fraction"]
    share = bulge * share_within(aperture, row["sersic_index"], row["bulge_radius"], row["bulge_axis_ratio"])
    if disk:
        share += disk * share_within(aperture, 1.0, row["disk_radius"], row["disk_axis_ratio"])
    return row["flux"] * share


def without_neighbours(row, aperture):
    away = np.hypot(row["neighbour_x"] - row["x"], row["neighbour_y"] - row["y"]) > aperture + 6
    return (away | (row["neighbour_flux"] == 0)).all()


@pytest.mark.parametrize("kind", CLASSES)
def test_aperture_sums_of_the_sharp_picture_give_the_catalogued_flux(catalogue, kind):
    # How much is within the smaller aperture depends strongly on radii, axis ratios and n.
    for aperture, tolerance in ((8, 0.02), (20, 0.01)):
        chosen = [row for row in rows(catalogue) if CLASSES[row["label"]] == kind and without_neighbours(row, aperture)]
        assert len(chosen) > 10
        measured = np.array([counts(row, "target")[distances(row) < aperture].sum() for row in chosen])
        expected = np.array([expected_flux(row, aperture) for row in chosen])
        assert np.mean(measured / expected) == pytest.approx(1, abs=0.02)
        # Arms and clumps may lie within or beyond the edge of an aperture.
        np.testing.assert_allclose(measured, expected, rtol=tolerance if kind != "spiral" else 0.25)


def test_half_of_an_ellipticals_light_is_within_its_radius(catalogue):
    for row in rows(catalogue):
        # The PSF carries light over the edge of the small and narrow ones.
        if row["bulge_radius"] * row["bulge_axis_ratio"] < 5 or not without_neighbours(row, 15):
            continue
        centres = np.arange(64) - 31.5
        angle = np.deg2rad(row["position_angle"])
        x, y = centres - row["x"], centres[:, None] - row["y"]
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        within = np.hypot(along, across / row["bulge_axis_ratio"]) < row["bulge_radius"]
        assert counts(row, "target")[within].sum() / row["flux"] == pytest.approx(0.5, abs=0.03)


def test_the_position_angle_can_be_measured_and_the_axis_ratio_follows_from_the_inclination(catalogue):
    for row in rows(catalogue):
        if CLASSES[row["label"]] == "spiral" or not without_neighbours(row, 20) or row["disk_axis_ratio"] > 0.7:
            continue
        ratio = row["disk_axis_ratio"] or row["bulge_axis_ratio"]
        if ratio > 0.8:
            continue
        light = counts(row, "target") * np.exp(-((distances(row) / 10) ** 2))
        centres = np.arange(64) - 31.5
        x, y = centres - row["x"], centres[:, None] - row["y"]
        xx, yy, xy = ((light * term).sum() for term in (x * x, y * y, x * y))
        angle = np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy))
        assert abs((angle - row["position_angle"] + 90) % 180 - 90) < 2
    disks = catalogue["disk_radius"] > 0
    cosine = np.cos(np.deg2rad(catalogue["inclination"][disks]))
    # Hubble (1926): an oblate spheroid of thickness 0.2.
    np.testing.assert_allclose(catalogue["disk_axis_ratio"][disks] ** 2, 0.96 * cosine**2 + 0.04, rtol=1e-5)


def test_stars_have_their_flux_place_and_width(catalogue):
    found = 0
    for row in rows(catalogue):
        for flux, x, y, sigma in zip(*(row[f"neighbour_{name}"] for name in ("flux", "x", "y", "sigma")), strict=True):
            others = np.hypot(row["neighbour_x"] - x, row["neighbour_y"] - y)
            lonely = np.sort(others[row["neighbour_flux"] > 0])[1:].min(initial=99) > 14
            if flux < 700 or not lonely or max(abs(x), abs(y)) > 25 or np.hypot(x, y) < 24:
                continue
            centres = np.arange(64) - 31.5
            near = np.hypot(centres - x, centres[:, None] - y)
            picture = counts(row, "target")
            # The light of the galaxy nearby, as a paraboloid through the surroundings.
            u, v = np.broadcast_arrays(centres - x, centres[:, None] - y)
            terms = np.stack([u**0, u, v, u * u, u * v, v * v], axis=-1)
            around = (near > 5) & (near < 9)
            background = terms @ np.linalg.lstsq(terms[around], picture[around])[0]
            if background[near < 5].max() > flux / 200:
                continue
            light = np.where(near < 5, picture - background, 0)
            assert light.sum() == pytest.approx(flux, rel=0.05)
            assert (light * centres).sum() / light.sum() == pytest.approx(x, abs=0.15)
            assert (light * centres[:, None]).sum() / light.sum() == pytest.approx(y, abs=0.15)
            width = np.hypot(2.0 / FWHM, sigma)
            assert np.sqrt((light * near**2).sum() / light.sum() / 2) == pytest.approx(width, rel=0.15)
            found += 1
    assert found >= 5


def residuals(catalogue, dataset, blur=ndimage.gaussian_filter):
    """(degraded - PSF * sharp) over the standard deviation of the noise."""
    pixels = dataset.size / 64
    for row in rows(catalogue):
        degraded, sharp = (dataset.to_counts(row[name][..., 0]).astype("float64") for name in ("image", "target"))
        blurred = blur(sharp, row["psf_fwhm"] / FWHM * pixels, mode="reflect", truncate=8)
        yield (degraded - blurred) / (row["noise"] / pixels)


@pytest.mark.parametrize("config", ["64", "128"])
def test_degraded_is_the_psf_convolved_with_sharp_plus_white_noise(catalogue, config):
    dataset = Galaxies(config, count=300 if config == "64" else 75)
    found = np.stack(list(residuals(catalogue if config == "64" else dataset.arrays("test"), dataset)))
    pixels = found[0].size
    # Mean 0 and variance 1 in each picture (5 standard errors), and in all together (4).
    assert np.abs(found.mean(axis=(1, 2))).max() < 5 / np.sqrt(pixels)
    assert np.abs(found.var(axis=(1, 2)) - 1).max() < 5 * np.sqrt(2 / pixels)
    assert abs(found.mean()) < 4 / np.sqrt(found.size) and abs(found.var() - 1) < 4 * np.sqrt(2 / found.size)
    # White: neighbouring pixels are not correlated, nor are the noises of different pictures.
    for pair in (found[:, 1:] * found[:, :-1], found[:, :, 1:] * found[:, :, :-1], found[1:] * found[:-1]):
        assert abs(pair.mean()) < 4 / np.sqrt(pair.size)


def test_another_psf_would_be_noticed(catalogue):
    def too_broad(picture, sigma, **options):
        return ndimage.gaussian_filter(picture, 1.05 * sigma, **options)

    found = np.stack(list(residuals(catalogue, Galaxies(), too_broad)))
    assert found.var() > 1 + 4 * np.sqrt(2 / found.size)


def test_the_blur_is_that_of_scipy_and_keeps_the_sum():
    picture = np.random.default_rng(0).random((64, 64)).astype("float32")
    for sigma in (0.85, 2.5):
        blurred = galaxies._blur(picture, sigma)
        expected = ndimage.gaussian_filter(picture.astype("float64"), sigma, mode="reflect", truncate=8)
        np.testing.assert_allclose(blurred, expected, atol=2e-6)
        assert blurred.sum() == pytest.approx(picture.sum(), rel=1e-5)


@pytest.mark.parametrize("config", ["64", "128"])
def test_the_stretch_keeps_photometry_and_stays_in_its_range(catalogue, config):
    dataset = Galaxies(config)
    linear = np.concatenate([-np.geomspace(0.001, 20, 50), np.geomspace(0.001, 1200, 50)])
    np.testing.assert_allclose(dataset.to_counts(dataset.from_counts(linear)), linear, rtol=2e-6, atol=1e-5)
    pictures = catalogue if config == "64" else Galaxies(config, count=40).arrays("test")
    for name in dataset.pair:
        assert pictures[name].dtype == np.float32
        assert -1 <= pictures[name].min() < -0.3 and 0.3 < pictures[name].max() <= 1


def test_no_centre_is_brighter_than_the_ceiling():
    rng = np.random.default_rng(0)
    zero = dict.fromkeys(("disk_radius", "arm_strength", "clump_fraction", "position_angle"), 0.0)
    star = {"neighbour_x": 0.0, "neighbour_y": 0.0, "neighbour_flux": 2000.0, "neighbour_sigma": 0.0}
    brightest = {"flux": 10**4.8, "bulge_fraction": 1.0, "bulge_radius": 4.0, "bulge_axis_ratio": 0.5}
    for index in (2.0, 3.0, 4.5):
        for place in (0.0, 0.25, 0.5):
            at = {"x": place, "y": place, "sersic_index": index, **{k: np.full(1, v) for k, v in star.items()}}
            assert galaxies._render(rng, {**zero, **brightest, **at}, 64).max() < CEILING


def test_arms_have_contrast_one_in_the_mean_over_a_circle():
    angle = np.arange(720) * np.pi / 360
    factors = {"arm_pitch": -25.0, "arm_strength": 0.9, "disk_radius": 6.0}
    for radius in (0.5, 3.0, 8.0, 20.0):
        arms = galaxies._arms(radius * np.cos(angle), radius * np.sin(angle), np.full(720, radius), factors, 1.0)
        assert arms.mean() == pytest.approx(1, abs=1e-6) and arms.min() > 0
        assert (arms.max() > 1.2) == (radius > 2)


def test_the_arms_of_a_spiral_have_their_pitch():
    radius = np.linspace(4, 12, 60)
    angle = np.arange(0, 2 * np.pi, 0.002)
    factors = {"arm_pitch": 25.0, "arm_strength": 0.9, "disk_radius": 6.0}
    x, y = radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)
    arms = galaxies._arms(x, y, np.broadcast_to(radius[:, None], x.shape), factors, 0.3)
    crest = np.unwrap(2 * angle[arms.argmax(axis=1)]) / 2
    slope = np.polyfit(crest, np.log(radius), 1)[0]
    assert np.rad2deg(np.arctan(slope)) == pytest.approx(25, abs=0.1)


def test_both_configs_have_the_same_kinds_of_galaxies():
    fine = Galaxies("128", count=8)
    row = rows(fine.arrays("test"))[0]
    assert row["target"].shape == (128, 128, 1)
    whole = fine.to_counts(row["target"]).sum()
    assert 0.5 * row["flux"] < whole < 1.1 * row["flux"] + row["neighbour_flux"].sum()


def test_an_example_depends_on_its_split_and_index_alone(catalogue):
    dataset = Galaxies()
    alone = dataset.example(dataset.random("test", 123), "test", 123)
    for name in dataset.features:
        # BLAS may sum in another order with another number of threads.
        np.testing.assert_allclose(alone[name], catalogue[name][123], rtol=1e-5, atol=1e-5)
