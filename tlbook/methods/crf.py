"""A linear-chain CRF: a tagger that scores the tags of a whole sentence at once. Taught in chapter 5.6."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits


@dataclass(frozen=True, eq=False)
class Chain:
    """A fitted chain of K tags over words of D features.

    Attributes
    ----------
    tag_names : tuple of str
        The K tags.
    kernel, bias : numpy.ndarray
        float64 (D, K) and (K,): what a word says of its tag.
    start, transitions : numpy.ndarray
        float64 (K,) and (K, K): the score of a first tag, and of column k right after row j.
    C : float
        The inverse strength of the penalty that it was fitted with.
    """

    tag_names: tuple[str, ...]
    kernel: np.ndarray
    bias: np.ndarray
    start: np.ndarray
    transitions: np.ndarray
    C: float

    def tag(self, features, lengths):
        """Return the best tags of each sentence, a list of tuples of str.

        `features` (words, D), an array or a sparse matrix, holds the words of all sentences one after the other;
        `lengths` says how many words each has. Raises `ValueError` where they do not add up.
        """
        _check_words(features, lengths)
        scores = np.split(features @ self.kernel + self.bias, np.cumsum(lengths)[:-1])
        return [tuple(self.tag_names[k] for k in viterbi(s, self.transitions, self.start)) for s in scores]


def viterbi(scores, transitions, start=0.0):
    """Return the sequence of tags with the largest total score, int64 (words,).

    Parameters
    ----------
    scores : array_like
        (words, K): the score of every tag at every word.
    transitions : array_like
        (K, K): the score of tag k right after tag j, in row j and column k.
    start : array_like
        (K,), or a number: the score of the first tag.

    Raises `ValueError` for no words, and where the tags of the two differ in number.
    Source: Viterbi (1967). Taught in chapter 5.6.

    >>> scores = [[0.0, 1.0], [0.6, 0.5]]
    >>> viterbi(scores, transitions=[[0, 0], [-1, 0]])
    array([1, 1])
    """
    scores, transitions = np.asarray(scores, float), np.asarray(transitions, float)
    k = scores.shape[-1] if scores.ndim == 2 else 0
    if not len(scores) or transitions.shape != (k, k):
        raise ValueError(
            f"transitions: got {transitions.shape} beside scores {scores.shape}, expected (K, K) and (words, K)"
        )
    best, back = scores[0] + start, []
    for row in scores[1:]:
        ways = best[:, None] + transitions  # from every tag to every tag
        back.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [best.argmax()]
    for step in reversed(back):
        path.append(step[path[-1]])
    return np.array(path[::-1])


def fit(features, sentences, tag_names, C, iterations=200):
    """Fit a chain to tagged sentences by L-BFGS and return a `Chain`.

    What is minimised is `C` times the negative log-likelihood, summed over the sentences, plus half the sum of all
    squared weights: scikit-learn's C.

    Parameters
    ----------
    features : numpy.ndarray or scipy.sparse matrix
        (words, D), those of all sentences one after the other.
    sentences : sequence of tlbook.inputs.tags.Sentence
        Their tags are learned from.
    tag_names : sequence of str
        The tags that are told apart.
    C : float
        The inverse strength of the penalty, above 0.
    iterations : int
        At most so many steps.

    Raises `ValueError` for a tag that is not among `tag_names`, a C that is not above 0, and features that do not
    belong to the sentences. Source: Lafferty et al. (2001). Taught in chapter 5.6.
    """
    if not C > 0:
        raise ValueError(f"C: got {C}, expected a number above 0")
    if unknown := {tag for sentence in sentences for tag in sentence.tags} - set(tag_names):
        raise ValueError(f"sentences: got the tags {sorted(unknown)}, expected only {list(tag_names)}")
    _check_words(features, [len(sentence) for sentence in sentences])
    features = sparse.csr_array(features) if sparse.issparse(features) else np.asarray(features, float)
    size, k = features.shape[1], len(tag_names)
    chains = _Chains(features, [[tag_names.index(tag) for tag in sentence.tags] for sentence in sentences], k)

    def objective(weights):
        loss, gradient = chains.loss(*_cut(weights, size, k))
        share = 1 / (C * len(sentences))  # of one sentence, so that the solver's tolerances fit
        return (
            loss / len(sentences) + share * weights @ weights / 2,
            gradient / len(sentences) + share * weights,
        )

    with threadpool_limits(1, user_api="blas"):
        found = optimize.minimize(
            objective,
            np.zeros((size + 2 + k) * k),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "ftol": 1e-7, "gtol": 1e-5},
        )
    return Chain(tuple(tag_names), *_cut(found.x, size, k), C)


class _Chains:
    """Tagged sentences, laid out so that one step of the recursions serves all that are long enough."""

    def __init__(self, features, numbers, k):
        self.features, lengths = features, np.array([len(row) for row in numbers])
        first = np.cumsum(lengths) - lengths
        order = np.argsort(-lengths, kind="stable")  # the longest first
        # steps[t]: the rows of word t of all sentences that have one
        self.steps = [first[order[lengths[order] > t]] + t for t in range(lengths.max())]
        self.first, self.sentence = first, np.repeat(np.arange(len(lengths)), lengths)
        self.after = np.setdiff1d(np.arange(lengths.sum()), first)  # the rows that have a word before them
        self.wanted = np.eye(k)[np.concatenate(numbers)]
        self.wanted_transitions = self.wanted[self.after - 1].T @ self.wanted[self.after]

    def loss(self, kernel, bias, start, transitions):
        """Return the negative log-likelihood of all sentences, and its gradient as one vector."""
        scores, ways = self.features @ kernel + bias, np.exp(transitions)
        forward, backward = np.empty_like(scores), np.zeros_like(scores)
        forward[self.first] = scores[self.first] + start
        for now, after in zip(self.steps, self.steps[1:], strict=False):
            forward[after] = scores[after] + _log_product(forward[now[: len(after)]], ways)
        for now, after in zip(self.steps[-2::-1], self.steps[:0:-1], strict=True):
            backward[now[: len(after)]] = _log_product(scores[after] + backward[after], ways.T)
        total = logsumexp(forward[self.first] + backward[self.first], axis=1)  # the log-partition of each sentence
        share = np.exp(forward + backward - total[self.sentence, None])  # the probability of each tag at each word
        # and of each pair of tags, summed over all neighbours
        before, behind = forward[self.after - 1], scores[self.after] + backward[self.after]
        most = before.max(1, keepdims=True)
        behind = np.exp(behind + most - total[self.sentence[self.after], None])
        expected = ways * (np.exp(before - most).T @ behind)

        wanted_start = self.wanted[self.first].sum(0)
        truth = (scores * self.wanted).sum() + start @ wanted_start + (transitions * self.wanted_transitions).sum()
        missing = share - self.wanted
        gradient = [
            self.features.T @ missing,
            missing.sum(0),
            share[self.first].sum(0) - wanted_start,
            expected - self.wanted_transitions,
        ]
        return total.sum() - truth, np.concatenate([part.ravel() for part in gradient])


def _log_product(logarithms, ways):
    """Return log(exp(logarithms) @ ways): one step of a recursion, kept from overflowing by the largest of each row."""
    most = logarithms.max(1, keepdims=True)
    return np.log(np.exp(logarithms - most) @ ways + 1e-300) + most


def _cut(weights, size, k):
    """Return kernel, bias, start and transitions, of one vector."""
    kernel, bias, start, transitions = np.split(weights, np.cumsum([size * k, k, k]))
    return kernel.reshape(size, k), bias, start, transitions.reshape(k, k)


def _check_words(features, lengths):
    if features.shape[0] != sum(lengths):
        raise ValueError(f"features: got {features.shape[0]} rows, expected {sum(lengths)}, one a word")
