"""Scores of molecules, texts and continued films that need no features."""

from typing import NamedTuple

import numpy as np

from kerasgan import metrics
from kerasgan.data import load
from kerasgan.data.kinds import Graphs, Tokens
from kerasgan.metrics.molecules import ValidMolecules, atoms_of, independent_graphs, molecule_metrics
from kerasgan.metrics.token_statistics import independent_likelihood, independent_tokens, token_metrics

GRAPHS = 1000  # default number of molecules
TEXTS = 2000  # default number of token sequences
FILMS, LATER = 500, 5  # default number of films, and number of frames to predict
TEXT_TITLES = {
    "real": "real sequences",
    "real_unseen": "real sequences not trained with",
    "triples": "divergence of triples of tokens, bits",
    "different": "different sequences",
    "self_bleu": "self-BLEU",
}
PAIRS = {
    "mean_absolute_error": "mean absolute error, in [-1, 1]",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "gradient_energy": "gradient energy, over that of the targets",
}


class OwnScores(NamedTuple):
    """Scores and the facts they depend on.

    Attributes:
        scores: Dictionary of `title`, `control`, `ours` and `ceiling` by score, as in `Evaluator.report`.
        about: Sentences about the control, the ceiling and the samples.
        number: Number of samples per column.
        real: Arrays of the real samples.
    """

    scores: dict
    about: str
    number: int
    real: tuple


def own_scores(source):
    """Returns the function that scores a source of molecules, texts or continued films; `None` for other samples.

    Args:
        source: A `kerasgan.studies.evaluate.Source`.

    Returns:
        A function of (source, split, number of samples or `None`, random seed) that returns `OwnScores`.
    """
    if hasattr(source.model, "continue_video"):
        return film_scores
    known = {Graphs: graph_scores, Tokens: text_scores}
    return next((scored for kind, scored in known.items() if isinstance(source.kind, kind)), None)


def graph_scores(source, split="test", count=None, seed=0):
    """Computes validity, uniqueness and novelty of a model's molecules, with controls.

    The control consists of graphs whose atoms and bonds are drawn independently, with the frequencies of the training
    split, and the ceiling of real molecules of the other split.

    Args:
        source: `Source` of graphs.
        split: Split of the real molecules.
        count: Number of molecules per column. Defaults to 1000.
        seed: Random seed of the choice of real molecules and of the control.

    Returns:
        `OwnScores`.
    """
    atoms, count = atoms_of(source.data), count or GRAPHS
    if len(atoms) != source.kind.node_types:
        raise ValueError(f"{source.data} has {len(atoms)} types of atoms, but the model has {source.kind.node_types}.")
    valid = ValidMolecules(atoms)
    training, real = (load(source.data, part, as_numpy=True, samples="graphs") for part in ("train", split))
    chosen = np.random.default_rng(seed).permutation(len(real["nodes"]))[:count]
    real = {part: values[chosen] for part, values in real.items()}
    columns = {
        "control": independent_graphs(training, count, seed),
        "ours": source.draw(count, None),
        "ceiling": real,
    }
    found = {column: molecule_metrics(graphs, training, valid) for column, graphs in columns.items()}
    about = (
        "Control: graphs whose atoms and bonds are drawn independently, as often as in the training data; ceiling: "
        f"real molecules of the split {split!r}. {count} graphs by rules of valence; novel are those not among "
        f"{len(training['nodes']):,} of {source.data}."
    )
    scores = {
        score: {"title": score, **{column: values[score] for column, values in found.items()}}
        for score in ("validity", "uniqueness", "novelty")
    }
    return OwnScores(scores, about, len(real["nodes"]), (real["nodes"], real["edges"]))


def text_scores(source, split="test", count=None, seed=0):
    """Computes scores of a token model's sequences, with controls: see `kerasgan.metrics.token_metrics`.

    The control consists of sequences whose tokens are drawn independently at each position, with the frequencies of the
    training split, and the ceiling of real sequences of the other split.

    Args:
        source: `Source` of tokens.
        split: Split of the real sequences.
        count: Number of sequences per column. Defaults to 2000, or all real ones if there are fewer.
        seed: Random seed of the choice of real sequences and of the control.

    Returns:
        `OwnScores`.
    """
    kind = source.kind
    training, unseen = (load(source.data, part, as_numpy=True, samples="tokens") for part in ("train", split))
    if training.shape[1:] != kind.shape or training.max() >= kind.vocabulary_size:
        raise ValueError(
            f"{source.data} has sequences of {training.shape[1]} tokens up to {training.max()}, and the generated ones "
            f"are {kind} of {kind.vocabulary_size}. Pass the data of the run by --data."
        )
    count = min(count or TEXTS, len(unseen))
    real = unseen[np.random.default_rng(seed).permutation(len(unseen))[:count]]
    columns = {
        "control": independent_tokens(training, count, seed),
        "ours": np.asarray(source.draw(count, None)),
        "ceiling": real,
    }
    padding = 0 if kind.vocabulary and not kind.vocabulary[0] else None
    found = {column: token_metrics(tokens, training, unseen, padding) for column, tokens in columns.items()}
    scores = {
        score: {"title": title, **{column: values[score] for column, values in found.items()}}
        for score, title in TEXT_TITLES.items()
    }
    if hasattr(source.model, "log_likelihood"):
        likelihoods = source.model.log_likelihood(real, ema=source.ema)
        scores["negative_log_likelihood"] = {
            "title": "negative log-likelihood of a real token, nats",
            "control": independent_likelihood(training, real, kind.vocabulary_size),
            "ours": -float(np.mean(likelihoods)) / kind.length,
            "ceiling": None,
        }
    about = (
        "Control: sequences whose tokens are drawn independently at each place, as often as in the training data; "
        f"ceiling: real ones of the split {split!r}. {count} sequences; {len(training):,} of {source.data} were "
        f"trained with and {len(unseen):,} were not."
    )
    return OwnScores(scores, about, count, (real,))


def film_scores(source, split="test", count=None, seed=0):
    """Computes scores of predicted film frames: of the next frame, and the PSNR of the fifth.

    The control is a copy of the last given frame.

    Args:
        source: `Source` of a model that continues films.
        split: Split of the films.
        count: Number of films. Defaults to 500, or all if there are fewer.
        seed: Not used: predictions have no noise.

    Returns:
        `OwnScores`.
    """
    options = {name: value for name, value in source.options.items() if name != "class_names"}
    films = load(source.data, split, labels=False, as_numpy=True, **options)[: count or FILMS]
    context = source.model.context
    ahead = min(LATER, films.shape[1] - context)
    truth = films[:, context : context + ahead]
    columns = {
        "control": np.repeat(films[:, context - 1 : context], ahead, axis=1),
        "ours": source.model.continue_video(films[:, :context], ahead, ema=source.ema),
        "ceiling": truth,
    }
    found = {column: pair_scores(frames[:, 0], truth[:, 0]) for column, frames in columns.items()}
    scores = {
        score: {"title": PAIRS[score], **{column: values[score] for column, values in found.items()}}
        for score in ("psnr", "ssim", "gradient_energy")
    }
    if ahead > 1:
        later = {
            column: float(np.mean(metrics.psnr(truth[:, -1], columns[column][:, -1], (-1, 1))))
            for column in ("control", "ours")
        }
        scores["psnr_later"] = {"title": f"PSNR, dB, {ahead} frames ahead", **later, "ceiling": None}
    about = (
        f"Control: a copy of the last frame; ceiling: the true next frame. {len(films)} films of {source.data}/"
        f"{split}, whose frame {context + 1} is predicted from those before it."
    )
    return OwnScores(scores, about, len(films), (films,))


def pair_scores(images, targets):
    """Scores of images with targets, under the names of `PAIRS`; the PSNR of equal images is `None`."""
    energy = [
        float(np.mean(np.diff(each, axis=1) ** 2) + np.mean(np.diff(each, axis=2) ** 2)) for each in (images, targets)
    ]
    same = np.array_equal(images, targets)
    return {
        "mean_absolute_error": float(np.mean(np.abs(images - targets))),
        "psnr": None if same else float(np.mean(metrics.psnr(targets, images, (-1, 1)))),
        "ssim": float(np.mean(metrics.ssim(targets, images, (-1, 1)))),
        "gradient_energy": energy[0] / energy[1],
    }
