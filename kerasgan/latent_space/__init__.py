"""Walks and edits in the latent space of a trained generator, and projection of images into it."""

import itertools
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from kerasgan.bases.latent import GenerativeModel
from kerasgan.bases.latents import Normal
from kerasgan.bases.styles import StyleModel
from kerasgan.game.engines import gradients
from kerasgan.game.inference import strength_of
from kerasgan.latent_space.directions import (
    METHODS,
    Directions,
    components,
    latent_matrices,
    rising,
    stretched,
    style_matrices,
    takers,
    unit,
)
from kerasgan.layers import mix_styles, truncate
from kerasgan.metrics.path_length import INTERPOLATIONS, linear, perceptual_path_length, spherical
from kerasgan.objectives.perceptual import perceptual_features

SPACES = ("z", "w", "w+")
STARTS = ("candidates", "mean", "encoder")
CURVE = 50  # number of points of an error curve
__all__ = ["Directions", "LatentSpace", "Projection"]


class Projection(NamedTuple):
    """Codes found for given images.

    Args:
        codes: Codes of the images.
        images: Images that the generator makes from the codes.
        losses: Array of shape (number of images,): mean squared difference of the images, or of their features.
        curve: Array of shape (points, number of images): losses from the start to the end.
        steps: Array of shape (points,): number of steps done at each point of the curve.
    """

    codes: np.ndarray
    images: np.ndarray
    losses: np.ndarray
    curve: np.ndarray
    steps: np.ndarray


class LatentSpace:
    """A space of codes from which a model's averaged generator makes images.

    "z" is the space of latents, which every model has. Models with a mapping network also have "w", the space of its
    styles, and "w+", with one style per layer of the generator. Codes are float32 arrays of shape (count, length), in
    "w+" of shape (count, layers, length). All images share the same noise, that of `sample(noise="fixed")`.

    Args:
        model: A `kerasgan.GenerativeModel`.
        space: "z", "w" or "w+".
        noise: Noise, as for the model's `sample`: "fixed", "none" or a number.
        batch_size: Number of images to process at once.

    Raises:
        ValueError: For a model without latents, or a space that the model does not have.

    Examples:

    >>> space = LatentSpace(model, "w")
    >>> codes = space.draw(2, seed=0)
    >>> pictures = space.images(space.interpolate(codes[:1], codes[1:], 8))
    >>> directions = space.directions("sefa", 4)
    >>> older = space.images(space.edit(codes, directions.vectors[0], 2.0))
    """

    def __init__(self, model, space="z", noise="fixed", batch_size=64):
        if not isinstance(model, GenerativeModel):
            raise ValueError(
                f"`model` is a {type(model).__name__}, which does not generate samples from latents; expected a model "
                "that does."
            )
        if space not in SPACES or (space != "z" and not isinstance(model, StyleModel)):
            known = SPACES if isinstance(model, StyleModel) else SPACES[:1]
            raise ValueError(f"`space` is {space!r}; {type(model).__name__} has {', '.join(map(repr, known))}.")
        self.model, self.space, self.noise, self.batch_size = model, space, noise, batch_size

    # Codes and images -------------------------------------------------------------------------------------------------

    def draw(self, count, seed=0, truncation=None, **conditions):
        """Draws random codes: those of the samples with the same seed.

        Args:
            count: Number of codes.
            seed: Non-negative integer.
            truncation: Truncation, as for the model's `sample`.
            **conditions: Values of the conditions by name, such as `labels`.
        """
        cut = truncation if self.model.truncation_of == "latents" else None
        latents, *given = self.model.sample_inputs(count, seed, cut, **conditions)
        if self.space == "z":
            return _array(latents)
        codes = self.of_latents(latents, *given)
        return codes if truncation is None else self.truncate(codes, truncation)

    def of_latents(self, latents, *conditions):
        """Converts latents to codes of this space, with the mapping network if these are styles."""
        if self.space == "z":
            return _array(latents)
        inputs = self.model.inputs_of(ops.convert_to_tensor(latents), *conditions)
        styles = self.model.ema_mapping(inputs, training=False)
        return _array(styles if self.space == "w" else self.model.spread(styles))

    def images(self, codes, **conditions):
        """Generates images from codes.

        Args:
            codes: Codes of this space.
            **conditions: Values of the conditions by name, such as `labels`, for "z".

        Returns:
            A float32 array of shape (count, *image_shape).
        """
        codes = np.asarray(codes, "float32")
        inputs = self._inputs(ops.convert_to_tensor(codes), self._given(len(codes), conditions))
        return self.model.inference(self.model.ema_generator)(inputs, 0, self.noise, self.batch_size)

    def _given(self, count, conditions):
        if self.space != "z" and conditions:
            raise ValueError(f"`{next(iter(conditions))}` was given, but styles already contain it. Pass it to draw().")
        return self.model.conditions.given(count, **conditions) if self.space == "z" else []

    def _inputs(self, codes, given):
        """The generator's inputs for codes, as a list of tensors."""
        if self.space == "z":
            return self.model.generator_inputs(codes, *given)
        inputs = [self.model.spread(codes) if self.space == "w" else codes]
        return self.model.with_share(inputs) if hasattr(self.model, "with_share") else inputs

    @property
    def mean(self):
        """The centre of truncation: 0, or the mean style."""
        if self.space == "z":
            return np.zeros((1, self.model.latent_dim), "float32")
        style = self.model.ema_mapping.get_layer("mean_style").mean
        styles = ops.expand_dims(ops.convert_to_tensor(style), 0)
        return _array(styles if self.space == "w" else self.model.spread(styles))

    # Paths between codes ----------------------------------------------------------------------------------------------

    @property
    def _natural(self):
        """The interpolation that keeps codes within the distribution."""
        return "spherical" if self.space == "z" and isinstance(self.model.prior, Normal) else "linear"

    def interpolate(self, start, end, count, method=None):
        """Interpolates between two codes, both included.

        Args:
            start: A single code, or an array with one code.
            end: A single code, or an array with one code.
            count: Number of codes, 2 or more.
            method: "spherical", along an arc (default for normal latents, which all have about the same length); or
                "linear" (default for uniform latents and styles).

        Returns:
            An array of `count` codes.
        """
        method = method or self._natural
        if method not in INTERPOLATIONS:
            raise ValueError(f"`method` is {method!r}; expected one of {', '.join(map(repr, INTERPOLATIONS))}.")
        shape = self.mean.shape[1:]
        first, last = (np.repeat(np.reshape(each, (1, -1)), count, axis=0).astype("float64") for each in (start, end))
        between = spherical if method == "spherical" else linear
        codes = between(first, last, np.linspace(0.0, 1.0, count)[:, None])
        return codes.reshape(count, *shape).astype("float32")

    def walk(self, codes, steps, method=None, closed=False):
        """Interpolates along a path through given codes, such as for the frames of a film.

        Args:
            codes: Codes on the path, 2 or more.
            steps: Number of steps from each code to the next.
            method: See `interpolate`.
            closed: Whether the path returns to the first code, which is then not repeated at the end.

        Returns:
            An array of codes: `steps` for each segment, and the last code.
        """
        stops = [*codes, codes[0]] if closed else list(codes)
        ways = [self.interpolate(a, b, steps + 1, method)[:-1] for a, b in itertools.pairwise(stops)]
        return np.concatenate([*ways, *([] if closed else [np.asarray(stops[-1:], "float32")])])

    def mix(self, first, second, layers):
        """Mixes styles: those of the first codes, except in given layers those of the second codes.

        Args:
            first: Codes of "w" or "w+".
            second: Codes of "w" or "w+".
            layers: Indices of the generator's layers that take the second style, such as `range(4, 8)`; or an integer,
                the first layer from which on all take it.
        """
        self._need_styles("mix")
        first, second = (self._plus(codes) for codes in (first, second))
        if isinstance(layers, (int, np.integer)):
            return _array(mix_styles(first, second, layers))
        first, second = (_array(codes).copy() for codes in (first, second))
        first[:, list(layers)] = second[:, list(layers)]
        return first

    def truncate(self, codes, truncation, layers=None):
        """Pulls codes towards the mean: mean + truncation * (code - mean).

        Args:
            codes: Codes of this space.
            truncation: 1 leaves the codes unchanged, 0 gives the mean.
            layers: Number of the generator's first layers to truncate, in "w+". Defaults to the model's own number.
        """
        if self.space != "w+":
            return np.float32(self.mean + truncation * (np.asarray(codes) - self.mean))
        layers = self.model.truncated_layers if layers is None else layers
        return _array(truncate(ops.convert_to_tensor(codes), self.mean[0, 0], truncation, layers))

    def edit(self, codes, direction, strength, layers=None):
        """Moves codes along a direction.

        Args:
            codes: Codes of this space.
            direction: Vector with the length of a code; for "w+", of a code of "w".
            strength: Distance to move, a number or one for each code; negative for the opposite direction.
            layers: Indices of the generator's layers to change, such as `range(4)`, for styles; the results are then
                codes of "w+". `None` for all.
        """
        move = np.multiply.outer(np.ones(len(codes)) * strength, np.asarray(direction)).astype("float32")
        if layers is None:
            codes = np.asarray(codes, "float32")
            return codes + (move[:, None] if codes.ndim == 3 and move.ndim == 2 else move)
        self._need_styles("edit(layers=...)")
        codes = _array(self._plus(codes)).copy()
        codes[:, list(layers)] += move[:, None]
        return codes

    def _plus(self, codes):
        codes = ops.convert_to_tensor(np.asarray(codes, "float32"))
        return codes if len(codes.shape) == 3 else self.model.spread(codes)

    def _need_styles(self, what):
        if self.space == "z":
            raise ValueError(f"{what} needs styles; this space is 'z'. Use LatentSpace(model, 'w+').")

    # Directions -------------------------------------------------------------------------------------------------------

    def directions(
        self, method="ganspace", count=8, *, seed=0, samples=2000, codes=None, scores=None, names=None, **conditions
    ):
        """Finds directions of "z" or "w" that change the images most, or that change a given score.

        - "ganspace": principal components of styles; in "z", those of the first layer that takes the latents, mapped
          back to latents by least squares (Härkönen et al. 2020, section 2). `weights` are the standard deviations.
        - "sefa": directions that are stretched most by the layers that take the code: eigenvectors of A^T A for their
          weights A (Shen & Zhou 2021, section 3). `weights` are the eigenvalues. No samples are drawn. In "z", these
          layers are those without an earlier layer with weights: the first dense layer of a DCGAN, all conditional
          normalizations of a BigGAN.
        - "supervised": the direction along which given scores rise, by least squares; with scores of -1 and 1, the
          normal of the plane between two classes (as in Shen et al. 2020, who use a support vector machine). `weights`
          are the shares of the scores' variance explained.

        Args:
            method: One of the methods above.
            count: Number of directions, for the first two methods.
            seed: Seed of the samples.
            samples: Number of samples for "ganspace".
            codes: Codes with known scores, for "supervised".
            scores: Array of their scores: one score per code, or one column per direction.
            names: Names of the directions. `None` for "ganspace0", "ganspace1", ...
            **conditions: One value of each condition by name, such as `labels=[3]`, for the "z" of a conditional model,
                whose layers also depend on it. Defaults to the first value.

        Returns:
            `Directions`.

        Raises:
            ValueError: For an unknown method, for "w+", or if codes and scores are missing.
        """
        if self.space == "w+" or method not in METHODS:
            expected = f"expected one of {', '.join(map(repr, METHODS))}, in 'z' or 'w'"
            raise ValueError(f"`method` is {method!r} and the space {self.space!r}; {expected}.")
        if method == "supervised":
            vectors, weights = rising(codes, scores)
        else:
            given = self._given(1, conditions)
            vectors, weights = self._ganspace(seed, samples, given) if method == "ganspace" else self._sefa(given)
            vectors, weights = vectors[:count], weights[:count]
        vectors = unit(vectors)
        names = [f"{method}{place}" for place in range(len(vectors))] if names is None else list(names)
        if len(names) != len(vectors):
            raise ValueError(f"`names` has {len(names)} entries; expected {len(vectors)}.")
        drawn = self.draw(samples, seed) - self.mean
        ranges = np.percentile(drawn @ vectors.T, [2.5, 97.5], axis=0).T.astype("float32")
        return Directions(vectors.astype("float32"), weights, tuple(names), ranges, self.space, method)

    @property
    def _front(self):
        """The network that takes the latents."""
        return self.model.ema_mapping if isinstance(self.model, StyleModel) else self.model.ema_generator

    def _ganspace(self, seed, samples, given):
        codes = self.draw(samples, seed).astype("float64")
        if self.space == "w":
            return components(codes)
        layer, _ = self._takers()[0]
        network = keras.Function(self._front.inputs[: 1 + len(given)], layer.output)
        given = [ops.repeat(each, samples, axis=0) for each in given]
        features = _array(network([ops.convert_to_tensor(np.float32(codes)), *given]))
        features = features.reshape(samples, -1).astype("float64")
        vectors, weights = components(features)
        kept = weights > 1e-6 * weights[0]
        coordinates = (features - features.mean(axis=0)) @ vectors[kept].T
        return np.linalg.lstsq(coordinates, codes, rcond=None)[0], weights[kept]

    def _sefa(self, given):
        if self.space == "w":
            return stretched(style_matrices(self.model.ema_generator))
        self._takers()
        return stretched(latent_matrices(self._front, given))

    def _takers(self):
        found = takers(self._front)
        if not found:
            raise ValueError(
                f"No layer of {type(self.model).__name__}'s {self._front.name} takes the latents directly."
            )
        return found

    # Projection of images----------------------------------------------------------------------------------------------

    def project(
        self,
        images,
        steps=500,
        learning_rate=0.05,
        start="candidates",
        candidates=256,
        seed=0,
        features=None,
        prior=0.0,
        progress=None,
        **conditions,
    ):
        """Finds codes whose images are as close as possible to given images.

        Codes are optimised with Adam, whose learning rate falls to 0 along half a cosine (cf. Karras et al. 2020,
        appendix D, but without their noise).

        Args:
            images: Images of shape (count, *image_shape), in the generator's range.
            steps: Number of steps.
            learning_rate: Adam's learning rate.
            start: "candidates" for the best of random codes; "mean"; "encoder" for the codes of the model's own
                encoder, in "z", or otherwise of a linear one fitted to the candidates' features; or codes to start
                from.
            candidates: Number of random codes.
            seed: Seed of the random codes.
            features: "perceptual" for the pixels and the maps of a random network
                (`kerasgan.objectives.perceptual.perceptual_distance`); or a function of images, in `keras.ops`, that
                returns tensors (batch, ...) to compare. Defaults to the images themselves.
            prior: Weight of a code's mean squared distance from `mean`, which keeps it within the distribution.
            progress: Function of (steps done, all steps) that is called from time to time.
            **conditions: Values of the conditions of the images by name, such as `labels`, for "z".

        Returns:
            `Projection`.

        Raises:
            ValueError: For images that do not fit, or an unknown start.
        """
        images = np.asarray(images, "float32")
        if images.shape[1:] != tuple(self.model.image_shape) or not np.isfinite(images).all():
            raise ValueError(
                f"`images` has shape {images.shape}; expected finite values of shape (count, "
                f"*{self.model.image_shape})."
            )
        given = self._given(len(images), conditions)
        features = perceptual_features if features == "perceptual" else features or (lambda samples: samples)
        generator, mean = self.model.inference(self.model.ema_generator), ops.convert_to_tensor(self.mean)
        strength, fixed = strength_of(self.noise)

        def losses(codes, targets, given):
            inputs = self._inputs(codes, given)
            made = features(generator.graph(inputs if len(inputs) > 1 else inputs[0], 0, strength, fixed))
            return _mean(ops.square(made - targets))

        def step(codes, first, second, rate, number, targets, given):
            def loss(tensors):
                return ops.sum(losses(tensors[0], targets, given) + prior * _mean(ops.square(tensors[0] - mean)))

            (slope,) = gradients(loss, [codes])
            first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * ops.square(slope)
            corrected = first / (1 - 0.9**number), second / (1 - 0.999**number)
            return codes - rate * corrected[0] / (ops.sqrt(corrected[1]) + 1e-8), first, second

        measure, move = self.model.compiled_function(losses), self.model.compiled_function(step)
        measured, found = np.unique(np.linspace(0, steps, CURVE).astype(int)), []
        for begin in range(0, len(images), self.batch_size):
            part = slice(begin, begin + self.batch_size)
            targets, mine = features(ops.convert_to_tensor(images[part])), [each[part] for each in given]
            codes = self._starts(images[part], start, part, candidates, seed, features, mine)
            codes, curve = ops.convert_to_tensor(np.float32(codes)), []
            first, second = ops.zeros_like(codes), ops.zeros_like(codes)
            for number in range(steps + 1):
                if number in measured:
                    curve.append(_array(measure(codes, targets, mine)))
                    if progress:
                        progress(begin * steps + number * len(codes), len(images) * steps)
                if number < steps:
                    rate = np.float32(learning_rate * 0.5 * (1 + np.cos(np.pi * number / steps)))
                    arguments = (ops.convert_to_tensor(x) for x in (rate, np.float32(number + 1)))
                    codes, first, second = move(codes, first, second, *arguments, targets, mine)
            found.append((_array(codes), np.stack(curve)))
        codes, curves = np.concatenate([each for each, _ in found]), np.concatenate([each for _, each in found], axis=1)
        return Projection(codes, self.images(codes, **conditions), curves[-1], curves, measured)

    def _starts(self, images, start, part, candidates, seed, features, given):
        """Codes to start from for each image."""
        if not isinstance(start, str):
            return np.asarray(start, "float32")[part]
        if start not in STARTS:
            raise ValueError(f"`start` is {start!r}; expected one of {', '.join(map(repr, STARTS))}, or codes.")
        if start == "mean" or not candidates:
            return np.repeat(self.mean, len(images), axis=0)
        if start == "encoder" and self.space == "z" and hasattr(self.model, "encode"):
            named = zip(self.model.conditions.kinds, given, strict=True)
            return self.model.encode(images, **{name: ops.convert_to_numpy(value) for name, value in named})
        pool, targets = self.draw(candidates, seed), self._vectors(images, features)
        if start == "encoder":
            return _regressed(self._vectors(self.images(pool), features), pool, targets)
        if given:  # evaluate each candidate under the conditions of each image
            generator = self.model.inference(self.model.ema_generator)
            values = []
            for code in pool:
                inputs = self._inputs(ops.convert_to_tensor(np.repeat(code[None], len(images), axis=0)), given)
                made = generator(inputs, 0, self.noise, self.batch_size)
                values.append(np.square(self._vectors(made, features) - targets).mean(axis=1))
            return pool[np.argmin(values, axis=0)]
        made = self._vectors(self.images(pool), features)
        squares = (targets**2).sum(1)[:, None] - 2 * targets @ made.T + (made**2).sum(1)
        return pool[np.argmin(squares, axis=1)]

    def _vectors(self, images, features):
        """The features of images, computed in batches: an array with one row per image."""
        parts = [
            _array(features(ops.convert_to_tensor(images[start : start + self.batch_size])))
            for start in range(0, len(images), self.batch_size)
        ]
        return np.concatenate(parts).reshape(len(images), -1)

    def perceptual_path_length(self, count=1000, seed=0, **options):
        """Measures how much images change between random codes: see `kerasgan.metrics.perceptual_path_length`.

        Args:
            count: Number of paths.
            seed: Seed of the ends of the paths.
            **options: Other arguments of the metric, such as `features`.
        """
        codes = self.draw(2 * count, seed)
        shape = codes.shape[1:]
        flat = codes.reshape(2 * count, -1)
        options = {"interpolation": self._natural, **options}
        return perceptual_path_length(
            lambda codes: self.images(codes.reshape(-1, *shape)), flat[:count], flat[count:], seed=seed, **options
        )


def _regressed(features, codes, targets, ridge=0.01):
    """Predicts codes of new features by kernel ridge regression, as there are fewer samples than features."""
    mean, middle = features.mean(axis=0), codes.mean(axis=0)
    features = (features - mean).astype("float64")
    products = features @ features.T
    penalty = ridge * np.trace(products) / len(products) * np.eye(len(products))
    shares = np.linalg.solve(products + penalty, (codes - middle).reshape(len(codes), -1))
    found = (targets - mean) @ (features.T @ shares)
    return middle + found.reshape(len(targets), *codes.shape[1:])


def _mean(values):
    """Mean of each sample."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _array(tensor: Any):
    return np.asarray(ops.convert_to_numpy(tensor), "float32")
