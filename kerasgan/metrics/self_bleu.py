"""BLEU, and self-BLEU: the similarity of generated sequences."""

import collections
import math

import numpy as np

SMALLEST = 0.1  # count used if there is no common n-gram


def bleu(sequence, references, order=4):
    """BLEU of a sequence (Papineni et al. 2002): the geometric mean of its n-gram precisions, times a brevity penalty.

    The count of an n-gram is clipped at its largest count in any reference. If no n-gram of some length occurs in a
    reference, 0.1 replaces their number (method 1 of Chen & Cherry 2014, as in NLTK and papers on text GANs).

    Args:
        sequence: Sequence of tokens: integers or words.
        references: Sequences to compare to.
        order: Length of the longest n-grams.

    Returns:
        A number in [0, 1].
    """
    sequence, references = list(sequence), [list(reference) for reference in references]
    _check(order, len(references))
    known = [_largest(references, n) for n in range(1, order + 1)]
    return _bleu(sequence, known, [len(reference) for reference in references])


def self_bleu(sequences, order=4, count=None, seed=0):
    """Self-BLEU (Zhu et al. 2018, "Texygen"): the mean BLEU of the sequences, each with all others as references.

    Lower values mean more diversity. Compare with the value of equally many real sequences, as it grows with their
    number.

    Args:
        sequences: Integers of shape (number, length), or a list of texts, which are split at spaces.
        order: Length of the longest n-grams.
        count: Number of sequences whose BLEU is averaged, chosen at random. `None` for all.
        seed: Random seed of the choice.

    Returns:
        A number in [0, 1].
    """
    sequences = [each.split() if isinstance(each, str) else np.asarray(each).tolist() for each in sequences]
    _check(order, len(sequences) - 1)
    # The two largest counts of each n-gram and the sequence with the largest one, as a sequence is not its own
    # reference.
    tables = [_two_largest(sequences, n) for n in range(1, order + 1)]
    lengths = [len(sequence) for sequence in sequences]
    chosen = range(len(sequences))
    if count is not None and count < len(sequences):
        chosen = np.random.default_rng(seed).choice(len(sequences), count, replace=False).tolist()
    values = []
    for place in chosen:
        known = [_Others(table, place) for table in tables]
        values.append(_bleu(sequences[place], known, lengths[:place] + lengths[place + 1 :]))
    return float(np.mean(values))


def _check(order, references):
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"`order` is {order!r}; expected a positive integer.")
    if references < 1:
        raise ValueError("There are no references; expected at least one, for self-BLEU two sequences or more.")


def _grams(sequence, n):
    return collections.Counter(tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1))


def _largest(references, n):
    known: collections.Counter = collections.Counter()
    for reference in references:
        known |= _grams(reference, n)
    return known


def _two_largest(sequences, n):
    table: dict = {}
    for place, sequence in enumerate(sequences):
        for gram, found in _grams(sequence, n).items():
            most, second, owner = table.get(gram, (0, 0, None))
            table[gram] = (found, most, place) if found > most else (most, max(second, found), owner)
    return table


class _Others:
    """The largest counts of n-grams in all sequences except one."""

    def __init__(self, table, place):
        self.table, self.place = table, place

    def __getitem__(self, gram):
        most, second, owner = self.table.get(gram, (0, 0, None))
        return second if owner == self.place else most


def _bleu(sequence, known, lengths):
    total, size = 0.0, len(sequence)
    if not size:
        return 0.0
    for n, table in enumerate(known, start=1):
        grams = _grams(sequence, n)
        common = sum(min(found, table[gram]) for gram, found in grams.items())
        total += math.log((common or SMALLEST) / max(1, sum(grams.values())))
    nearest = min(lengths, key=lambda length: (abs(length - size), length))
    brevity = 1.0 if size > nearest else math.exp(1 - nearest / size)
    return min(1.0, brevity * math.exp(total / len(known)))
