"""The protocol of the two-dimensional benchmark; whether methods reach the modes is for the benchmark to say."""

import numpy as np
import pytest
from keras import ops

from benchmarks import modes2d
from benchmarks.modes2d.pictures import panel
from benchmarks.modes2d.table import table, verdicts
from kerasgan.data.builders.gaussians import Gaussians

DATASETS = modes2d.DATASETS


def points(dataset, count, seed=0):
    """Real points, drawn here."""
    known, rng = Gaussians(dataset), np.random.default_rng(seed)
    return known.modes[rng.integers(len(known.modes), size=count)] + known.sigma * rng.normal(size=(count, 2))


@pytest.fixture
def tiny(monkeypatch):
    """Four steps a pass over the data, and these are made here."""
    samples = points("ring", 4 * modes2d.PACKS).astype("float32")
    known = Gaussians("ring")
    monkeypatch.setattr(modes2d, "POINTS", len(samples))
    monkeypatch.setattr(
        modes2d, "mixture", lambda dataset: (samples / samples.std(), float(samples.std()), known.modes, known.sigma)
    )


@pytest.mark.parametrize(("dataset", "modes", "low", "high"), [("ring", 8, 31, 32), ("grid", 25, 10, 11)])
def test_protocol(dataset, modes, low, high, monkeypatch):
    """What counts as reached, as a tenth of an even share, and as of high quality, on points where it is known."""
    known = Gaussians(dataset)
    monkeypatch.setattr(modes2d, "mixture", lambda name: (None, 1.0, known.modes, known.sigma))
    real = modes2d.judge(points(dataset, 10_000), dataset)
    assert real["2500"]["reached"] == real["2500"]["filled"] == real["10000"]["filled"] == modes
    assert real["10000"]["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.004)
    assert real["10000"]["reverse_kl"] == pytest.approx((modes - 1) / 20_000, abs=0.001)
    assert real["10000"]["width"] == pytest.approx(1, abs=0.02)
    collapsed = np.repeat(known.modes[:1], 10_000, axis=0)  # one mode, and of another just too few, then just enough
    collapsed[: low - 1] = known.modes[1]
    assert [modes2d.judge(collapsed, dataset)["2500"][key] for key in ("reached", "filled")] == [2, 1]
    collapsed[:low] = known.modes[1]
    assert modes2d.judge(collapsed, dataset)["2500"]["filled"] == 2
    share = low / 2_500
    expected = np.log(modes) + share * np.log(share) + (1 - share) * np.log(1 - share)
    assert modes2d.judge(collapsed, dataset)["2500"]["reverse_kl"] == pytest.approx(expected)
    assert high > low


def test_one_architecture_for_all():
    """The networks differ in the discriminator's input alone, and every step draws 256 packs."""
    shapes = set()
    for method in (modes2d.METHODS[key] for key in ("ns", "pac4", "unrolled")):
        model = modes2d.build(method, 0, 10, 1, jit_compile=False)
        generator, discriminator = ([tuple(v.shape) for v in n.trainable_variables] for n in model.networks.values())
        assert discriminator[0] == (2 * method.packing, 128)
        shapes.add((*generator, *discriminator[1:]))
        assert model.recipe.batch_size == 256 * method.packing
    assert len(shapes) == 1


def test_rate_falls_over_the_second_half():
    rates = modes2d.decayed_adam(0.5, 100)._learning_rate
    for step, expected in ((0, 0.5), (50, 0.5), (75, 0.25), (100, 0.0), (120, 0.0)):
        assert float(ops.convert_to_numpy(rates(step))) == pytest.approx(expected)


def test_whole_passes_over_the_data():
    plain, pack = modes2d.METHODS["ns"], modes2d.METHODS["pac2"]
    assert modes2d.whole_steps(plain, 390) == 390 == modes2d.whole_steps(plain, 1)
    assert modes2d.whole_steps(plain, 391) == 780
    assert modes2d.whole_steps(pack, 195) == 195
    assert (modes2d.whole_steps(plain), modes2d.whole_steps(pack)) == (15_210, 15_015)


@pytest.mark.slow
@pytest.mark.parametrize("method", list(modes2d.METHODS))
def test_run(method, tiny, tmp_path):
    """A run takes the steps it says, judges 10,000 samples in the data's own units and keeps its film."""
    record = modes2d.run("ring", method, 0, steps=8, folder=tmp_path, jit_compile=False)
    assert record["steps"] == 8 and not record["long"]
    assert set(record["ema"]) == set(record["raw"]) == {"2500", "10000"}
    kept = np.load(tmp_path / f"ring_{method}_0_8.npz")
    assert kept["samples"].shape == (2_500, 2)
    assert kept["frame_steps"][-1] == 8
    assert kept["frame_samples"].shape[1:] == (1_000, 2) and kept["frame_fields"].shape[1:] == (96, 96)


def test_field_is_the_discriminators(tiny):
    """Rows from the top down, as a picture; in the data's own units."""
    model = modes2d.build(modes2d.METHODS["ns"], 0, 10, 1, jit_compile=False)
    field = modes2d.field(model, "ring")
    corner = np.array([[-1.4, 1.4]], "float32") / modes2d.mixture("ring")[1]
    assert field[0, 0] == pytest.approx(float(ops.convert_to_numpy(model.discriminator(corner))[0, 0]), abs=1e-5)


def record(method, divergence, modes=8, long=False):
    numbers = {"reached": modes, "filled": modes, "high_quality": 0.9, "reverse_kl": divergence, "width": 0.9}
    judged = {"2500": numbers, "10000": numbers}
    return {"method": method, "raw": judged, "ema": judged, "steps": 200_000, "long": long}


def test_verdicts():
    def met(plain, cured, modes=8, dataset="ring"):
        runs = {"ns": [record("ns", plain)], **{key: [record(key, cured, modes)] for key in ("pac2", "r3")}}
        return {sentence.endswith(" Met.") for sentence in verdicts(dataset, runs)}

    assert met(0.45, 0.05) == {True}
    assert met(0.45, 0.07) == met(0.14, 0.05) == met(0.45, 0.05, modes=7) == {False}
    assert met(0.6, 0.29, 24, "grid") == {True}
    assert met(0.6, 0.31, 24, "grid") == met(0.6, 0.29, 23, "grid") == {False}
    assert "not all" in verdicts("ring", {"ns": [record("ns", 0.4)]})[0]
    runs = {key: [record(key, 0.1)] for key in ("ns", "pac2", "r3")}
    assert verdicts("ring", {**runs, "pac2_long": [record("pac2", 0.08, long=True)]})[-1].endswith("NOT MET.")


def test_panel_shows_points_where_they_are():
    """A point in the upper right corner, on a field that is high on the left."""
    picture = panel("title", np.array([[1.37, 1.37]]), "ring", np.tile(np.linspace(1, -1, 96), (96, 1)))
    assert picture.shape == (216, 200, 3)
    field = picture[16:].astype(int)
    assert np.argwhere((field == 0).all(axis=-1)).tolist() == [[2, 197]]
    assert (field[1:-1, 1, 0] > field[1:-1, 1, 2]).all() and (field[1:-1, -2, 0] < field[1:-1, -2, 2]).all()


@pytest.mark.slow
def test_the_table_has_a_row_for_each_method_that_was_run():
    records = [{"dataset": "ring", "method": "ns", "seed": 0, "long": False, "steps": 5, "raw": 0, "ema": 0}]
    for record in records:
        record["raw"] = record["ema"] = modes2d.judge(points("ring", 10_000), "ring")
    text = table(records)
    assert text.startswith("# Modes in two dimensions\n\nThe protocol is that of VEEGAN")
    assert "| NS-GAN | averaged | 5 | 1 | 8 | 8 |" in text and "## grid: 25 modes" in text
