"""Astronomical images: the stretch and its inverse, FITS files, fluxes and false sources."""

import sys

import numpy as np
import pytest

from kerasgan.data.astronomy import AsinhStretch, false_sources, flux_bias, read_fits, write_fits

STRETCH = AsinhStretch(softening=5.0, floor=-30.0, ceiling=20_000.0)


def test_the_stretch_goes_both_ways():
    counts = np.concatenate([[-30.0, 20_000.0, 0.0], np.random.default_rng(0).uniform(-30, 20_000, 500)])
    images = STRETCH.images(counts)
    assert images.dtype == np.float32 and images[0] == -1 and images[1] == 1
    np.testing.assert_allclose(STRETCH.counts(images), counts, rtol=2e-6, atol=1e-4)
    low, high = np.log(-6 + np.sqrt(37)), np.log(4000 + np.sqrt(4000**2 + 1))
    np.testing.assert_allclose(images[2], -2 * low / (high - low) - 1, atol=1e-6)
    assert STRETCH.images(1e9) == 1 and STRETCH.images(-1e9) == -1
    with pytest.raises(ValueError, match="is not a valid stretch"):
        AsinhStretch(0.0, -1, 1)


def test_fluxes():
    """A tenth more counts is a bias of 0.1, whatever the profile; rounding of the stretch keeps fluxes."""
    y, x = np.mgrid[:32, :32][..., None] - 15.5
    real = np.stack([500 * np.exp(-(x**2 + y**2) / (2 * s**2)) for s in (1.5, 3.0, 5.0)])
    np.testing.assert_allclose(flux_bias(real, 1.1 * real), 0.1, atol=1e-12)
    assert np.abs(flux_bias(real, STRETCH.counts(STRETCH.images(real)))).max() < 1e-5
    assert np.isnan(flux_bias(0 * real, real)).all()
    # The control: a blur in stretched units, which keeps their sum, does not keep the flux.
    images = STRETCH.images(real)
    blurred = (images + np.roll(images, 1, 1) + np.roll(images, -1, 1)) / 3
    assert np.abs(flux_bias(real, STRETCH.counts(blurred))).max() > 0.01
    with pytest.raises(ValueError, match="`real` has shape"):
        flux_bias(real, real[:2])


def test_false_sources():
    noise = np.random.default_rng(0).normal(size=(3, 64, 64, 1))
    assert false_sources(noise, 1.0).tolist() == [0, 0, 0]
    noise[1, 10:13, 20:23] += 20
    noise[2, 10, 20] += 50  # a hot pixel is no source
    noise[2, [40, 41, 42, 43], [40, 41, 42, 43]] += 20
    assert false_sources(noise, 1.0).tolist() == [0, 1, 1]


def test_fits_files_come_back(tmp_path):
    pytest.importorskip("astropy", reason="FITS files need astropy")
    counts = np.random.default_rng(0).normal(size=(12, 9, 3)).astype("float32")
    for channels in (1, 3):
        write_fits(tmp_path / "field.fits", counts[..., :channels])
        found, header = read_fits(tmp_path / "field.fits")
        np.testing.assert_array_equal(found, counts[..., :channels])
    header["CRVAL1"] = 123.25
    write_fits(tmp_path / "field.fits", counts[..., :1], header)
    assert read_fits(tmp_path / "field.fits")[1]["CRVAL1"] == 123.25
    counts[0, 0, 0] = np.nan
    write_fits(tmp_path / "field.fits", counts)
    with pytest.raises(ValueError, match="not finite"):
        read_fits(tmp_path / "field.fits")


def test_fits_files_need_astropy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy", None)
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(ModuleNotFoundError, match="kerasgan\\[astro\\]"):
        read_fits(tmp_path / "field.fits")
