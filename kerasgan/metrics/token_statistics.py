"""Statistics of generated token sequences compared with real ones."""

import numpy as np

from kerasgan.metrics.self_bleu import self_bleu

COMPARED = 500  # number of sequences whose BLEU is averaged


def token_metrics(tokens, training, unseen, padding=None):
    """Computes scores of token sequences.

    Args:
        tokens: Generated sequences, integers of shape (count, length).
        training: Real sequences that the generator was trained on, integers of shape (number, length).
        unseen: Real sequences that the generator has not seen.
        padding: Token that pads shorter sequences at the end; self-BLEU ignores it. `None` for no padding.

    Returns:
        A dictionary with

        - `real`: Share of the sequences that equal a real one, in `training` or `unseen`;
        - `real_unseen`: Share that equal an unseen one, which the generator cannot have copied;
        - `different`: Number of different sequences divided by the number of all sequences;
        - `triples`: Jensen-Shannon divergence between the frequencies of token triples and those of `training`, in
          bits, from 0 to 1;
        - `self_bleu`: Self-BLEU of 500 of the sequences; see `kerasgan.metrics.self_bleu`.
    """
    rows, known, others = (set(map(bytes, _bytes(each))) for each in (tokens, training, unseen))
    counts = [bytes(row) for row in _bytes(tokens)]
    texts = [row.tolist() if padding is None else _ended(row.tolist(), padding) for row in np.asarray(tokens)]
    return {
        "real": sum(row in known or row in others for row in counts) / len(counts),
        "real_unseen": sum(row in others and row not in known for row in counts) / len(counts),
        "different": len(rows) / len(counts),
        "triples": divergence_of_triples(tokens, training),
        "self_bleu": self_bleu(texts, count=COMPARED),
    }


def divergence_of_triples(tokens, others):
    """Jensen-Shannon divergence between the frequencies of three consecutive tokens, in bits, from 0 to 1.

    Args:
        tokens: Integers of shape (count, length), at least 3 long.
        others: Integers of shape (number, length).
    """
    largest = 1 + int(max(np.max(tokens), np.max(others)))
    codes = []
    for given in (np.asarray(tokens, "int64"), np.asarray(others, "int64")):
        codes.append(((given[:, :-2] * largest + given[:, 1:-1]) * largest + given[:, 2:]).reshape(-1))
    names = np.unique(np.concatenate(codes))
    p, q = (np.bincount(np.searchsorted(names, each), minlength=len(names)) / len(each) for each in codes)
    middle = (p + q) / 2
    halves = [np.sum(each[each > 0] * np.log2(each[each > 0] / middle[each > 0])) for each in (p, q)]
    return float(sum(halves) / 2)


def independent_tokens(training, count, seed=0):
    """Draws sequences whose tokens are independent, with the frequencies of the training data at each position.

    Args:
        training: Integers of shape (number, length).
        count: Number of sequences.
        seed: Random seed.

    Returns:
        Integers of shape (count, length).
    """
    random = np.random.default_rng(seed)
    return np.stack([random.choice(column, count) for column in np.asarray(training).T], axis=1)


def independent_likelihood(training, tokens, vocabulary_size):
    """Mean negative log-likelihood of sequences' tokens, in nats, if each position were drawn independently.

    The frequencies are those of the training data, plus one for each token.

    Args:
        training: Integers of shape (number, length).
        tokens: Integers of shape (count, length).
        vocabulary_size: Number of different tokens.
    """
    total = 0.0
    for known, column in zip(np.asarray(training).T, np.asarray(tokens).T, strict=True):
        counts = np.bincount(known, minlength=vocabulary_size) + 1
        total -= np.log(counts[column] / counts.sum()).mean()
    return total / np.shape(tokens)[1]


def _bytes(tokens):
    return np.ascontiguousarray(tokens, "int32").view("uint8").reshape(len(tokens), -1)


def _ended(row, padding):
    length = len(row)
    while length > 1 and row[length - 1] == padding:
        length -= 1
    return row[:length]
