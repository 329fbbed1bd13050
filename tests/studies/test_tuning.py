"""The tuner minimises the samples' metric, not a loss, and goes on where it stopped."""

import math
import types

import pytest

pytest.importorskip("keras_tuner")

from kerasgan import GAN
from kerasgan.studies.sensitivity import Study
from kerasgan.studies.tuning import HyperGAN, search


class Known(Study):
    """A study whose results are known without models; the lower rates diverge."""

    trained: list = []

    def model(self, rate, beta_1, generator_every, seed=0):
        return types.SimpleNamespace(known=(rate, beta_1, generator_every, seed))

    def train(self, model, callbacks=()):
        self.trained.append(model.known)

    def judge(self, model):
        rate, beta_1, generator_every, seed = model.known
        return {"metric": math.inf if rate < 0.5 else rate + beta_1 + 10 * generator_every + seed}


def test_search_is_resumed_and_minimises_the_metric(tmp_path):
    study = Known(GAN, "ring", updates=4, seeds=3)
    Known.trained.clear()
    tuner = search(study, tmp_path, trials=3, seed=1)
    assert len(Known.trained) == 3 * 3 and {known[3] for known in Known.trained} == {0, 1, 2}
    tuner = search(study, tmp_path, trials=5, seed=1)
    assert len(Known.trained) == 5 * 3  # the first three trials are not run again
    trials = list(tuner.oracle.trials.values())
    scores = {}
    for trial in trials:
        values = trial.hyperparameters.values
        assert 0.25 <= values["rate"] <= 4 and values["beta_1"] in (0.0, 0.5) and values["generator_every"] in (1, 5)
        if values["rate"] < 0.5:
            assert trial.status in ("FAILED", "INVALID")
        else:
            scores[trial.trial_id] = (
                values["rate"] + values["beta_1"] + 10 * values["generator_every"] + 1
            )  # the median
            assert trial.score == pytest.approx(scores[trial.trial_id])
    best = tuner.get_best_hyperparameters()[0].values
    assert best == next(t for t in trials if t.trial_id == min(scores, key=scores.get)).hyperparameters.values
    with pytest.raises(ValueError, match="updates was 4 and is 5 now"):
        search(Known(GAN, "ring", updates=5, seeds=3), tmp_path)


def test_a_real_trial():
    import keras_tuner

    hyper, hp = HyperGAN(Study(GAN, "ring", updates=4, seeds=1)), keras_tuner.HyperParameters()
    model = hyper.build(hp)
    assert hyper.fit(hp, model, callbacks=[])["metric"] > 0
    assert int(model.optimizer["discriminator"].iterations) == 2
