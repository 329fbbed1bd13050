"""KerasTuner over a sensitivity study's settings; the objective is the averaged generator's metric.

A GAN's losses say nothing about its samples, so that a tuner that minimises one of them tunes nothing. This objective
is that of the study: the reverse KL over modes, or a Fréchet distance. It needs `pip install 'kerasgan[tuning]'`.

    study = Study(kerasgan.DCGAN, "digits", updates=10_000)
    tuner = search(study, "runs/tuning-dcgan-digits", trials=20)
    tuner.get_best_hyperparameters()[0].values  # {"rate": 1.7, "beta_1": 0.0, "generator_every": 1}
"""

from pathlib import Path

import keras_tuner
import numpy as np

from kerasgan.studies.sensitivity import take_up


class HyperGAN(keras_tuner.HyperModel):
    """The models of a `Study`: the rate anywhere between the grid's extremes, the other settings as in the grid.

    Args:
        study: A `kerasgan.studies.sensitivity.Study`. A trial trains a model for each of its seeds; the objective is
            the median.
    """

    def __init__(self, study):
        super().__init__()
        self.study = study

    def build(self, hp):
        """The compiled model of a trial's first seed."""
        return self.study.model(**self._settings(hp))

    def fit(self, hp, model, *arguments, **options):
        """Trains and judges a trial at the study's compute; data and callbacks are the study's own.

        Returns:
            `{"metric": ...}`, lower is better.

        Raises:
            keras_tuner.errors.FailedTrialError: if the model diverged; the search goes on with another trial.
        """
        metrics = []
        for seed in range(self.study.seeds):
            trained = model if seed == 0 else self.study.model(**self._settings(hp), seed=seed)
            self.study.train(trained)
            metrics.append(self.study.judge(trained)["metric"])
        metric = float(np.median(metrics))
        if not np.isfinite(metric):
            raise keras_tuner.errors.FailedTrialError("The generator's samples are not finite.")
        return {"metric": metric}

    def _settings(self, hp):
        study = self.study
        return {
            "rate": hp.Float("rate", min(study.rates), max(study.rates), sampling="log"),
            "beta_1": hp.Choice("beta_1", list(study.decays)),
            "generator_every": hp.Choice("generator_every", list(study.critic_steps)),
        }


class Tuner(keras_tuner.Tuner):
    """A KerasTuner without the callbacks of `fit`: those for checkpoints and TensorBoard, which has to be installed."""

    def run_trial(self, trial, *arguments, **options):
        """Builds, trains and judges one trial."""
        hp = trial.hyperparameters
        return self.hypermodel.fit(hp, self.hypermodel.build(hp))


def search(study, folder, trials=12, oracle=keras_tuner.oracles.RandomSearchOracle, **options):
    """Searches the settings of a study; a folder with an earlier search of the same study is gone on with.

    Args:
        study: a `kerasgan.studies.sensitivity.Study`.
        folder: of the search.
        trials: number of all trials, earlier ones included.
        oracle: what chooses the trials, such as `keras_tuner.oracles.BayesianOptimizationOracle`.
        **options: further arguments of the oracle, such as `seed`.

    Returns:
        The `Tuner`: `get_best_hyperparameters()`, `results_summary()`, `oracle.trials`. It keeps no weights: build the
        best model with `study.model(**values)`.

    Raises:
        ValueError: if the folder holds the search of another study; the message says what differs.
    """
    folder = Path(folder)
    take_up(folder, study.settings())
    chooser = oracle(
        objective=keras_tuner.Objective("metric", "min"),
        max_trials=trials,
        max_consecutive_failed_trials=trials,
        **options,
    )
    tuner = Tuner(chooser, HyperGAN(study), directory=folder, project_name="trials")
    tuner.search(verbose=0)
    return tuner
