"""SeqGAN and RelGAN on a known distribution: better than likelihood alone, and than likelihood with a temperature?

    python -m benchmarks.families.seqgan [--models seqgan relgan] [--seeds 3] [--quick]

Ten tokens out of 50, drawn by a random LSTM (`oracle_text/small`), 10,000 sequences for training. Each generator is
trained for the likelihood of the data until it does not get better on held-out sequences, and measured; then it plays
the game, and is measured again. Requirements: the negative log-likelihood of samples in the known distribution,
NLL_oracle, falls by 0.1 for each token, and the share of different sequences is at least 0.8 times that of the data. As
NLL_oracle alone rewards a generator that always says the same (Caccia et al. 2020, "Language GANs Falling Short"), the
negative log-likelihood of held-out data, NLL_gen, and self-BLEU stand beside it, and the same numbers of the pretrained
generator at lower temperatures. The report says whether one of these is better in quality and in diversity at once.
Controls: sequences of the known distribution, and uniform tokens, which must fail.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings

BATCH, TRAIN, TEST, SAMPLES, REFERENCES = 64, 10_000, 2_000, 4_000, 500
TEMPERATURES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
FILTERS = ((1, 32), (2, 64), (3, 64), (4, 32), (5, 32))
SEQGAN = {
    "sizes": {"filters": FILTERS},
    "pretraining": 40,
    "game": 3_000,
    "recipe": {  # numbers of optimizers are learning rates
        "baseline": "batch",
        "discriminator_pretraining_steps": 600,
        "generator_every": 4,
        "generator_optimizer": 1e-3,
        "discriminator_optimizer": 1e-3,
    },
}
RELGAN = {
    "sizes": {
        "filters": tuple((size, 128) for size in (2, 3, 4, 5)),
        "head_size": 32,
        # With 8 representations of 4 numbers each, the discriminator cannot tell nearly discrete samples from data.
        "representations": 1,
        "discriminator_embedding_dim": 64,
        "dropout": 0.0,
    },
    "pretraining": 40,
    "game": 3_000,
    "recipe": {
        "annealing_steps": 3_000,
        "pretraining_optimizer": 2e-3,
        "discriminator_pretraining_steps": 300,
        "generator_every": 4,
        "generator_optimizer": 1e-4,
        "discriminator_optimizer": 1e-3,
    },
}
MODELS = {"seqgan": ("SeqGAN", SEQGAN), "relgan": ("RelGAN", RELGAN)}


def scores(oracle, tokens, model=None, held_out=None):
    """Quality and diversity of sequences.

    Args:
        oracle: The known distribution.
        tokens: Sequences, 4,000.
        model: The generator that has drawn them, for NLL_gen, or `None`.
        held_out: Sequences of the known distribution.
    """
    from kerasgan.metrics import self_bleu

    return {
        "NLL_oracle": oracle.nll(tokens),
        "NLL_gen": None if model is None else float(-model.log_likelihood(held_out, ema=False).mean() / oracle.length),
        "self-BLEU": self_bleu(tokens[: 2 * REFERENCES], count=REFERENCES),
        "different": len(np.unique(tokens, axis=0)) / len(tokens),
    }


def run(name, seed, steps):
    """Trains a family; `steps` are those of the game, after the pretraining."""
    import keras

    import kerasgan
    from kerasgan.bases.tokens import clipped_adam
    from kerasgan.data.builders.oracle_text import OracleText
    from kerasgan.data.kinds import Tokens

    family, settings = MODELS[name]
    oracle = OracleText("small").oracle
    random = np.random.default_rng(1000 + seed)
    train, test, real = (oracle.sample(random.uniform(size=(n, oracle.length))) for n in (TRAIN, TEST, SAMPLES))
    keras.utils.set_random_seed(seed)
    model = getattr(kerasgan, family)(Tokens(oracle.length, oracle.vocabulary_size), seed=seed, **settings["sizes"])
    recipe = {key: clipped_adam(value) if "optimizer" in key else value for key, value in settings["recipe"].items()}
    steps_of_epoch = TRAIN // BATCH
    epochs = max(1, settings["pretraining"] * steps // settings["game"])
    model.compile(batch_size=BATCH, pretraining_steps=epochs * steps_of_epoch, steps_per_execution=4, **recipe)
    best, nlls = None, []
    for epoch in range(epochs):  # early stopping: the weights of the best epoch go into the game
        model.fit(train[: steps_of_epoch * BATCH], initial_epoch=epoch, epochs=epoch + 1, verbose=0)
        nlls.append(float(-model.log_likelihood(test, ema=False).mean() / oracle.length))
        if nlls[-1] == min(nlls):
            best = model.generator.get_weights()
    for network in (model.generator, model.ema_generator):
        network.set_weights(best)

    def drawn(temperature=1.0):
        return model.sample(SAMPLES, seed=seed, temperature=temperature, ema=False)

    results = {
        "real": scores(oracle, real),
        "uniform": scores(oracle, random.integers(oracle.vocabulary_size, size=real.shape)),
        "best epoch": int(np.argmin(nlls)) + 1,
        "likelihood": scores(oracle, drawn(), model, test),
        "temperatures": {str(t): scores(oracle, drawn(t)) for t in TEMPERATURES},
    }
    last = epochs + max(1, steps // steps_of_epoch)
    model.fit(train[: steps_of_epoch * BATCH], initial_epoch=epochs, epochs=last, verbose=0)
    results["game"] = scores(oracle, drawn(), model, test)
    return results


def inside(game, curve):
    """Whether a temperature is at least as good in quality and in diversity at once."""
    return any(
        each["NLL_oracle"] <= game["NLL_oracle"] and each["self-BLEU"] <= game["self-BLEU"] for each in curve.values()
    )


def line(name, row):
    return f"{name:20s}" + "".join(f"{'-' if x is None else format(x, '.3f'):>12s}" for x in row.values())


def main():
    asked = Trainings.asked_for(__doc__, "seqgan", ["oracle_text"], MODELS)
    good = True
    for name in asked.models or MODELS:
        family, settings = MODELS[name]
        rows = asked.rows(
            lambda seed, steps, name=name: run(name, seed, steps), settings["game"], model=name, data="oracle_text"
        )

        def middle(of, rows=rows):
            found = [of(row) for row in rows]
            return {k: None if found[0][k] is None else float(np.median([row[k] for row in found])) for k in found[0]}

        head = f"{'':20s}" + "".join(f"{column:>12s}" for column in rows[0]["real"])
        lines = [f"{family} on 10 tokens out of 50, {len(rows)} seed(s), medians", head]
        for part in ("real", "uniform", "likelihood", "game"):
            lines.append(line(part, middle(lambda row, part=part: row[part])))
        for key in rows[0]["temperatures"]:
            lines.append(line(f"temperature {key}", middle(lambda row, key=key: row["temperatures"][key])))
        within = [inside(row["game"], row["temperatures"]) for row in rows]
        lines.append(f"a temperature is better in quality and diversity at once in {sum(within)} of {len(rows)}")
        gains = [row["likelihood"]["NLL_oracle"] - row["game"]["NLL_oracle"] for row in rows]
        lines.append("NLL_oracle fell by " + ", ".join(f"{gain:.3f}" for gain in gains))
        checks = {
            "NLL_oracle falls by 0.1 in each seed": min(gains) >= 0.1,
            "as different as 0.8 of the data": all(
                row["game"]["different"] >= 0.8 * row["real"]["different"] for row in rows
            ),
            "uniform tokens fail": all(row["uniform"]["NLL_oracle"] > row["likelihood"]["NLL_oracle"] for row in rows),
        }
        good &= asked.report(name, lines, checks)
    return good


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
