"""MolGAN on QM9: are its graphs molecules, and different ones, and does a reward change what they are?

    python -m benchmarks.families.molgan [--seeds 1] [--quick]

A model is trained on QM9 without a reward. Three models then begin with its networks and train as long again: without
a reward, for the share of valid molecules, and for drug-likeness (QED, which needs RDKit and is left out without it).
All settings of the three but the reward are equal. Requirements for 1,000 samples of the averaged generator, for
validity as the reward: at least 85% are valid by the rules of valence, and at least 40 points more than of graphs whose
atoms and bonds are drawn independently; at least 25% of the valid ones are different (the paper reports 98% and 10%).
QED as the reward must raise the mean QED of the valid molecules. Controls: graphs drawn independently, real molecules
that were not trained on, and the untrained generator, which must fail. Novel molecules are not among the training
molecules; as QM9 has nearly all molecules of its size that are stable, a novel one is not necessarily a good one.
"""

import sys

import numpy as np

from benchmarks.families.common import Trainings

STEPS, BATCH, EVERY = 3000, 64, 2  # of each of the two stages; updates of the discriminator for one of the generator
SAMPLES, SHOWN = 1000, 24
BETAS = {"beta_1": 0.5, "beta_2": 0.9}
RATES = 1e-3, 5e-5  # constant in the first stage, falling in the second
TRADE_OFF = 0.2
LATER = 20_000  # training molecules of the second stage, so that their QED need not be computed in each step
ARMS = ("without reward", "reward: validity", "reward: QED")


class Remembered:
    """A reward that is computed once for each graph."""

    def __init__(self, reward):
        self.reward, self.known = reward, {}

    def __call__(self, graphs):
        nodes, edges = (np.asarray(graphs[name]) for name in ("nodes", "edges"))
        keys = [one.tobytes() + other.tobytes() for one, other in zip(nodes, edges, strict=True)]
        new = [place for place, key in enumerate(keys) if key not in self.known]
        if new:
            values = self.reward({"nodes": nodes[new], "edges": edges[new]})
            self.known.update(zip([keys[place] for place in new], values.tolist(), strict=True))
        return np.array([self.known[key] for key in keys], "float32")


def has_rdkit():
    from kerasgan.data.builders.packages import has_module

    return has_module("rdkit")


def rewards():
    """The reward of each model."""
    from kerasgan.metrics import DrugLikeness, ValidMolecules

    found = dict(zip(ARMS, (None, ValidMolecules(), Remembered(DrugLikeness())), strict=True))
    return found if has_rdkit() else {name: found[name] for name in ARMS[:2]}


def scores(graphs, training, frequencies):
    """Validity, uniqueness, novelty, QED of the valid ones, and how far the types are from those of the data."""
    from kerasgan.metrics import DrugLikeness, ValidMolecules, molecule_metrics

    found = molecule_metrics(graphs, training)
    found["types"] = max(
        float(np.abs(own - frequencies[name]).sum() / 2) for name, own in type_frequencies(graphs).items()
    )
    if has_rdkit():
        qed = DrugLikeness()(graphs)[ValidMolecules()(graphs) > 0]
        quartiles = np.quantile(qed, [0.25, 0.75]) if len(qed) else np.zeros(2)
        found |= {"QED": float(qed.mean()) if len(qed) else 0.0}
        found |= {"QED, lower quartile": float(quartiles[0]), "QED, upper quartile": float(quartiles[1])}
    return found


def type_frequencies(graphs):
    """Frequencies of the types of nodes, and of edges between nodes."""
    upper = np.triu_indices(graphs["nodes"].shape[1], 1)
    values = {"nodes": graphs["nodes"], "edges": graphs["edges"][:, upper[0], upper[1]]}
    return {name: np.bincount(part.ravel(), minlength=5) / part.size for name, part in values.items()}


def picture(graphs):
    """The first samples as chemists draw them; graphs that are no molecules are left white."""
    from kerasgan.data.builders.molecules import drawn
    from kerasgan.data.builders.packages import import_module
    from kerasgan.metrics.molecules import to_rdkit

    some = {name: part[:SHOWN] for name, part in graphs.items()}
    write = import_module("rdkit.Chem").MolToSmiles
    return drawn(["" if molecule is None else write(molecule) for molecule in to_rdkit(some)])


def run(seed, steps):
    """Trains all models and evaluates their samples."""
    import keras

    from benchmarks.journal import RESULTS
    from kerasgan import MolGAN, data
    from kerasgan.data.kinds import Graphs
    from kerasgan.game.optimizers import ScheduledAdam
    from kerasgan.game.recipe import Adam
    from kerasgan.game.schedules import Cosine
    from kerasgan.game.transfer import transfer
    from kerasgan.metrics.molecules import independent_graphs
    from kerasgan.pictures.images import write_png

    training, test = (data.load("qm9", split, samples="graphs", as_numpy=True) for split in ("train", "test"))
    frequencies = type_frequencies(training)

    def judged(graphs):
        return scores(graphs, training, frequencies)

    def made(reward=None):
        keras.utils.set_random_seed(seed)
        return MolGAN(Graphs(9, 5, 4), reward=reward, seed=seed)

    def trained(model, optimizer, molecules):
        recipe = {"batch_size": BATCH, "generator_every": EVERY, "trade_off": TRADE_OFF}
        recipe |= {f"{player}_optimizer": optimizer() for player in ("discriminator", "generator")}
        model.compile(steps_per_execution=20, **recipe)
        rows = np.random.default_rng(seed).integers(molecules, size=steps * BATCH)
        model.fit({name: part[rows] for name, part in training.items()}, verbose=0)

    first = made()
    results = {
        "real": judged({name: part[:SAMPLES] for name, part in test.items()}),
        "independent": judged(independent_graphs(training, SAMPLES, seed)),
    }
    first.compile()
    results["untrained"] = judged(first.sample(SAMPLES, seed))
    trained(first, lambda: Adam(RATES[0], **BETAS), len(training["nodes"]))
    results["first stage"] = judged(first.sample(SAMPLES, seed))
    falling = Cosine(*RATES, kimg=steps * BATCH / 1000)
    for name, reward in rewards().items():
        model = made(reward)
        transfer(first, model)
        trained(model, lambda: ScheduledAdam(learning_rate=falling, **BETAS), LATER)
        graphs = model.sample(SAMPLES, seed)
        results[name] = judged(graphs)
        if seed == 0 and steps == STEPS and has_rdkit():
            write_png(RESULTS / f"molgan_{name.replace('reward: ', '').replace(' ', '_').lower()}.png", picture(graphs))
    return results


def chart(rows):
    """QED of the valid molecules with and without the reward: means and quartiles, an image."""
    from kerasgan.pictures.plots import intervals

    shown = {"real": "real", ARMS[0]: "no reward", ARMS[1]: "validity", ARMS[2]: "QED"}
    keys = ("QED", "QED, lower quartile", "QED, upper quartile")
    values = [[[np.median([row[name][key] for row in rows]) for key in keys]] for name in shown]
    return intervals(tuple(shown.values()), ("mean and quartiles",), values, "QED of valid molecules, by reward")


def main():
    asked = Trainings.asked_for(__doc__, "molgan", ["qm9"])
    rows = asked.rows(run, STEPS, seeds=1, data="qm9")
    lines = [f"MolGAN on QM9, {len(rows)} seed(s), twice {STEPS} steps of {BATCH}, {SAMPLES} samples"]
    columns = [name for name in rows[0]["real"] if "quartile" not in name]
    lines.append(f"{'':18s}" + "".join(f"{name:>12s}" for name in columns))
    names = [name for name in rows[0] if isinstance(rows[0][name], dict)]
    middle = {name: {key: float(np.median([row[name][key] for row in rows])) for key in columns} for name in names}
    lines += [f"{name:18s}" + "".join(f"{middle[name][key]:12.3f}" for key in columns) for name in names]
    lines.append("types: total variation of the frequencies of atoms or of bonds from the data's, the larger of both")

    def passes(name):
        return all(
            row[name]["validity"] >= max(0.85, row["independent"]["validity"] + 0.4) and row[name]["uniqueness"] >= 0.25
            for row in rows
        )

    checks = {
        "real molecules pass": passes("real"),
        "85% are valid, 40 points more than of independent atoms and bonds, and 25% different": passes(ARMS[1]),
        "independent atoms and bonds fail": not passes("independent"),
        "the untrained generator fails": not passes("untrained"),
    }
    if ARMS[2] in rows[0]:
        from benchmarks.journal import RESULTS
        from kerasgan.pictures.images import write_png

        gains = [row[ARMS[2]]["QED"] - row[ARMS[0]]["QED"] for row in rows]
        checks["QED as the reward raises the mean QED"] = min(gains) > 0
        write_png(RESULTS / f"{asked.journal.path.stem}_qed_chart.png", chart(rows))
    return asked.report("qm9", lines, checks)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
