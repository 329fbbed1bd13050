"""The grid: equal compute, what counts as success, and a folder that goes on where it stopped."""

import json
import math

import numpy as np
import pytest

from kerasgan import GAN
from kerasgan.commands import main as cli
from kerasgan.studies.sensitivity import Study, measure, summary

SMALL = {"rates": (1.0,), "decays": (0.5,), "seeds": 1}


def row(metric, rate=1.0, beta_1=0.0, generator_every=1, seed=0):
    return {"rate": rate, "beta_1": beta_1, "generator_every": generator_every, "seed": seed, "metric": metric}


def test_the_grid_of_the_task():
    cells = Study(GAN, "ring").cells()
    assert len(cells) == 36 and cells[0] == {"rate": 0.25, "beta_1": 0.0, "generator_every": 1, "seed": 0}
    assert len({json.dumps(cell) for cell in cells}) == 36


@pytest.mark.parametrize("updates", [30, 31, 36, 20_000])
def test_all_cells_have_the_same_number_of_updates(updates):
    """Whatever n, steps of the discriminator and every n-th one's of the generator add up to the same."""
    study = Study(GAN, "ring", updates=updates)
    for n in (1, 2, 5):
        steps = study.steps(n)
        assert abs(steps + math.ceil(steps / n) - updates) <= 1


@pytest.mark.parametrize("n", [1, 5])
def test_no_pass_over_the_data_ends_within_a_call(n):
    study = Study(GAN, "ring", updates=20_000)
    inside = study._steps_in_a_call(n, 256)
    assert 100_000 // 256 % inside == 0 and study.steps(n) % inside == 0 and inside > 1


def test_a_cell_takes_its_updates_and_has_its_settings():
    """Over whole passes and a part of one: 2 passes of 14 steps and 12 more."""
    study = Study(GAN, "digits", 48, {"units": 2, "maxout_units": 2}, {"batch_size": 64}, base_rate=1e-3, samples=64)
    model = study.model(rate=4.0, beta_1=0.5, generator_every=5, seed=3)
    study.train(model)
    players = model.optimizer.players
    assert {name: int(o.iterations) for name, o in players.items()} == {"discriminator": 40, "generator": 8}
    assert all(float(o.learning_rate) == pytest.approx(4e-3) and o.beta_1 == 0.5 for o in players.values())
    assert model.seed == 3 and np.isfinite(study.judge(model)["metric"])


class Fixed:
    """A model whose samples are known."""

    seed = 0

    def __init__(self, samples):
        self.samples = samples

    def sample(self, count, **_):
        return self.samples[:count]


def test_a_mixture_is_judged_by_its_modes():
    study = Study(GAN, "ring", samples=800)
    points, labels = study.real[0][:4000] / study.scale, None
    angles = np.arctan2(points[:, 1], points[:, 0]) % (2 * np.pi)
    assert study.judge(Fixed(points))["metric"] < 0.02
    labels = np.rint(angles / (np.pi / 4)) % 8
    lost = study.judge(Fixed(points[labels > 1]))
    assert lost["modes"] == 6 and lost["metric"] == pytest.approx(2 + math.log(8 / 6), abs=0.02)
    assert study.judge(Fixed(np.full((800, 2), 9.0)))["metric"] == pytest.approx(8 + math.log(8))
    assert study.judge(Fixed(np.full((800, 2), np.nan)))["metric"] == math.inf


def test_images_are_judged_by_a_distance_to_the_training_images():
    study = Study(GAN, "digits", samples=400)
    x = study.real[0]
    near, far = study.judge(Fixed(x[:400]))["metric"], study.judge(Fixed(-x[:400]))["metric"]
    assert near < 0.1 * far


def test_rates_and_quartiles():
    rows = [
        row(m, rate, seed=s)
        for rate, ms in ((1.0, (0.2, 0.1, 0.3)), (4.0, (0.9, None, 0.41)))
        for s, m in enumerate(ms)
    ]
    report = summary(rows)
    assert report["threshold"] == pytest.approx(0.4)  # twice the best median
    assert report["cells"] == 6 and report["success"] == 0.5
    assert report["median"] == pytest.approx(np.median([0.1, 0.2, 0.3, 0.41, 0.9, 1e9]))
    first, second = report["settings"]
    assert (first["success"], first["median"]) == (1.0, 0.2)
    np.testing.assert_allclose(first["quartiles"], np.quantile([0.1, 0.2, 0.3], [0.25, 0.75]))
    assert (second["success"], second["median"], second["quartiles"][1]) == (0.0, 0.9, None)
    assert summary(rows, threshold=0.15)["success"] == pytest.approx(1 / 6)
    assert summary(rows, mixture=True)["threshold"] == 0.1
    assert summary([row(None)])["success"] == 0.0


def test_a_folder_goes_on_where_it_stopped_and_takes_no_other_study(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    study = Study(GAN, "ring", updates=40, recipe={"loss": "hinge"}, **{**SMALL, "critic_steps": (1, 5)})
    trained = []
    monkeypatch.setattr(
        Study, "row", lambda self, cell: trained.append(cell) or {**cell, "metric": 0.1 * cell["generator_every"]}
    )
    report = measure(study, tmp_path)
    assert trained == study.cells() and report["success"] == 0.5
    lines = (tmp_path / "cells.jsonl").read_text().splitlines()
    (tmp_path / "cells.jsonl").write_text(lines[0] + "\n")  # as after a kill
    seen = []
    assert measure(study, tmp_path, lambda rows, cells: seen.append((len(rows), cells))) == report
    assert trained == [*study.cells(), study.cells()[1]] and seen == [(1, 2), (2, 2)]
    assert (tmp_path / "cells.jsonl").read_text().splitlines() == lines
    assert json.loads((tmp_path / "report.json").read_text())["median"] == report["median"]
    assert "| 1 | 0.5 | 5 | 0% | 0.5 |" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "sensitivity.png").read_bytes()[:4] == b"\x89PNG"
    for other, sentence in (
        ({"recipe": {"loss": "wasserstein"}}, "recipe.loss was"),
        ({"critic_steps": (1,)}, "critic_steps was"),
        ({"updates": 41}, "updates was 40 and is 41 now"),
    ):
        arguments = {"updates": 40, "recipe": {"loss": "hinge"}, **SMALL, "critic_steps": (1, 5), **other}
        with pytest.raises(ValueError, match=sentence):
            measure(Study(GAN, "ring", **arguments), tmp_path)
    assert len(trained) == 3


def test_a_family_without_latents_is_refused():
    from kerasgan import AdversarialModel

    with pytest.raises(ValueError, match="does not turn latents into samples"):
        Study(AdversarialModel, "digits")


def test_the_command(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    first = Study(GAN, "ring", seeds=1).cells()[:1]
    monkeypatch.setattr(Study, "cells", lambda study: first)
    arguments = ["--data", "ring", "--updates", "4", "--seeds", "1", "--set", "loss=hinge", "--out", str(tmp_path)]
    assert cli.main(["sensitivity", "gan", *arguments]) == 0
    assert "success in 0% of 1 cells" in capsys.readouterr().out
    assert cli.main(["sensitivity", "gan", *arguments, "--rate", "1e-2"]) == 2
    assert "base_rate was 0.001 and is 0.01 now" in capsys.readouterr().err
    assert cli.main(["sensitivity", "none", *arguments]) == 2
    assert "There is no family 'none'" in capsys.readouterr().err
