"""KerasTuner search over the settings of a sensitivity study; the objective is the averaged generator's metric.

The losses of a GAN say nothing about its samples, so a tuner must not minimise them. The objective is the metric of the
study: the reverse KL over modes, or a Fréchet distance. The module needs `pip install 'kerasgan[tuning]'`.

    study = Study(kerasgan.DCGAN, "digits", updates=10_000)
    tuner = search(study, "runs/tuning-dcgan-digits", trials=20)
    tuner.get_best_hyperparameters()[0].values  # {"rate": 1.7, "beta_1": 0.0, "generator_every": 1}
"""

from pathlib import Path

import keras_tuner
import numpy as np

from kerasgan.studies.sensitivity import take_up


class HyperGAN(keras_tuner.HyperModel):
    """The hypermodel of a `Study`: rates between the extremes of the grid, and the other settings of the grid.

    Args:
        study: A `kerasgan.studies.sensitivity.Study`. A trial trains one model per seed of the study; the objective is
            the median.
    """

    def __init__(self, study):
        super().__init__()
        self.study = study

    def build(self, hp):
        """Returns the compiled model of a trial's first seed."""
        return self.study.model(**self._settings(hp))

    def fit(self, hp, model, *arguments, **options):
        """Trains and scores a trial with the compute, data and callbacks of the study.

        Returns:
            A dictionary `{"metric": ...}`. Lower is better.

        Raises:
            keras_tuner.errors.FailedTrialError: If the model diverged. The search continues with another trial.
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
    """A KerasTuner without its callbacks for checkpoints and TensorBoard, which would require TensorBoard."""

    def run_trial(self, trial, *arguments, **options):
        """Builds, trains and scores one trial."""
        hp = trial.hyperparameters
        return self.hypermodel.fit(hp, self.hypermodel.build(hp))


def search(study, folder, trials=12, oracle=keras_tuner.oracles.RandomSearchOracle, **options):
    """Searches the settings of a study. An existing search of the same study is resumed.

    Args:
        study: A `kerasgan.studies.sensitivity.Study`.
        folder: Folder of the search.
        trials: Total number of trials, including earlier ones.
        oracle: Class that selects the trials, such as `keras_tuner.oracles.BayesianOptimizationOracle`.
        **options: Other arguments of the oracle, such as `seed`.

    Returns:
        The `Tuner`, with `get_best_hyperparameters()`, `results_summary()` and `oracle.trials`. It does not store
        weights: build the best model with `study.model(**values)`.

    Raises:
        ValueError: If the folder contains the search of another study. The message lists the differences.
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
