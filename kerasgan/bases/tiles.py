"""Translation of big pictures in tiles, with the same result as without tiles.

Each tile includes `radius` pixels around its contribution, the receptive field of the network, and neighbours are
blended linearly. Layers that normalize by statistics of the whole picture (instance normalization) would make tiles
differ. Their statistics are therefore computed first, layer by layer, over all tiles, with each pixel counted once.
This takes one partial pass over the picture for each such layer. Dropout noise is omitted.
"""

import itertools
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.game.engines import compiled_call
from kerasgan.game.sizes import any_size, mirrored_to
from kerasgan.layers import InstanceNormalization, NoiseDropout
from kerasgan.objectives.losses import at_least_float32

FEATHER = 32  # pixels of the input over which neighbouring tiles are blended
MEMORY = 128e6  # bytes of the largest feature maps of a tile, of which a network holds about eight at once


@keras.saving.register_keras_serializable(package="kerasgan")
class GivenNormalization(keras.layers.Layer):
    """Instance normalization of one image with given statistics.

    Args:
        original: The `InstanceNormalization`, whose scale and offset are used.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, original, **kwargs):
        super().__init__(**kwargs)
        self.__dict__["original"] = original

    def build(self, input_shape):
        shape = (1,) if self.original.over_channels else (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.variance = self.add_weight(name="variance", shape=shape, initializer="ones", trainable=False)
        if self.original.affine:
            options = {"shape": (input_shape[-1],), "trainable": False}
            self.scale = self.add_weight(name="scale", **options)
            self.offset = self.add_weight(name="offset", **options)
            self.scale.assign(self.original.scale)
            self.offset.assign(self.original.offset)

    def call(self, inputs):
        x = at_least_float32(inputs)
        x = (x - self.mean) * ops.rsqrt(self.variance + self.original.epsilon)
        x = ops.cast(x, self.compute_dtype)
        return x * self.scale + self.offset if self.original.affine else x

    def compute_output_shape(self, input_shape):
        return input_shape


class Tiles:
    """Applies a network of images to pictures in tiles.

    Args:
        network: Built functional Keras model of images (batch, height, width, channels), convolutional.
        multiple: Number that must divide the height and width of the network's inputs.
        smallest: Smallest height and width that the network accepts.
        enlargement: Factor by which the network enlarges height and width.
        tile: Side of the tiles in pixels of the input. `None` for a size whose largest feature maps take 128 MB.
        overlap: Pixels that neighbouring tiles share. `None` for the receptive field of the network, so that the result
            is exactly that of an untiled translation, or for a third of a tile if that is more than three quarters of
            it.

    Attributes:
        radius: Upper bound of the distance, in pixels, at which a pixel can still influence a translated pixel.
        tile: Side of the tiles.
        overlap: Smallest number of pixels that neighbouring tiles share.

    Raises:
        ValueError: If the tile is too small, or if the overlap does not fit into it.
    """

    def __init__(self, network, multiple=1, smallest=1, enlargement=1, tile=None, overlap=None):
        self.enlargement = enlargement
        self.radius, stride, bytes_per_pixel = reach(any_size(network))
        self.stride = math.lcm(multiple, stride)
        self.smallest = -(-max(smallest, self.stride) // self.stride) * self.stride
        self.normalizations: list[GivenNormalization] = []
        self.network = self._clone(network, self._given)
        self._run, self._whole = (compiled_call(each) for each in (self.network, self._clone(network, _without_noise)))
        least = max(2 * self.stride, self.smallest)
        if tile is None:
            tile = max(int(math.sqrt(MEMORY / bytes_per_pixel)), least)
        if tile < least:
            raise ValueError(f"`tile` is {tile}; expected {least} pixels or more for this network.")
        self.tile = tile // self.stride * self.stride
        if overlap is None:
            wanted = 2 * self.radius + FEATHER
            overlap = wanted if wanted <= 3 * self.tile // 4 else self.tile // 3
        self.overlap = min(-(-overlap // self.stride) * self.stride, self.tile - self.stride)
        if not 0 <= overlap <= self.overlap:
            raise ValueError(
                f"`overlap` is {overlap}; expected 0 to {self.tile - self.stride} pixels for tiles of {self.tile}."
            )

    @staticmethod
    def _clone(network, change):
        """A copy of a network for images of any size, with the layers that `change` returns in place of its own."""
        images = keras.Input((None, None, network.input.shape[-1]), dtype=network.input.dtype)
        return keras.models.clone_model(any_size(network), input_tensors=images, clone_function=change)

    def _given(self, layer):
        if not isinstance(layer, InstanceNormalization):
            return _without_noise(layer)
        given = GivenNormalization(layer, dtype=layer.dtype_policy)
        self.normalizations.append(given)
        return given

    def steps(self, size):
        """Number of tiles to compute for a picture of a given size (height, width), for a progress bar."""
        sides = (max(-(-side // self.stride) * self.stride, self.smallest) for side in size)
        count = math.prod(len(self._starts(side)) for side in sides)
        return count * (1 + len(self.normalizations)) if count > 1 else 1

    def __call__(self, picture, advance=None):
        """The translation of a picture, a float32 array; see `bands`."""
        return np.concatenate(list(self.bands(picture, advance)))

    def bands(self, picture, advance=None):
        """Yields the translation of a picture from top to bottom, in float32 arrays of complete rows.

        Args:
            picture: Array of shape (height, width, channels) in [-1, 1].
            advance: Function to call with the number of tiles after each tile, or None.
        """
        advance = advance or (lambda tiles: None)
        size = picture.shape[:2]
        picture = mirrored_to(np.asarray(picture), self.stride, self.smallest)
        rows, columns = (self._starts(side) for side in picture.shape[:2])
        run, factor = self._run, self.enlargement
        if len(rows) * len(columns) == 1:
            run = self._whole
        else:
            self._measure(picture, rows, columns, advance)
        heights, widths = (self._weights(*line) for line in zip((rows, columns), picture.shape[:2], strict=True))
        (height, width), done = np.minimum(self.tile, picture.shape[:2]), 0
        band: Any = None
        for number, (top, weight) in enumerate(zip(rows, heights, strict=True)):
            for left, share in zip(columns, widths, strict=True):
                made = self._translated(run, picture, top, left)
                if band is None:
                    band = np.zeros((height * factor, picture.shape[1] * factor, made.shape[-1]), "float32")
                place = slice(left * factor, (left + width) * factor)
                band[:, place] += made * (weight[:, None, None] * share[None, :, None])
                advance(1)
            end = (rows[number + 1] if number + 1 < len(rows) else top + height) * factor
            finished = band[: end - top * factor]
            last = max(0, min(end, size[0] * factor) - done)
            yield finished[:last, : size[1] * factor].copy()
            done += last
            rest = band[end - top * factor :]
            band = np.concatenate([rest, np.zeros((end - top * factor, *band.shape[1:]), "float32")])

    def _translated(self, run, picture, top, left):
        part = picture[top : top + self.tile, left : left + self.tile]
        return np.asarray(ops.convert_to_numpy(run(part[None].astype("float32"))), "float32")[0]

    def _starts(self, side):
        """Evenly spaced positions of the tiles along a side, multiples of the stride."""
        if side <= self.tile:
            return [0]
        last = (side - self.tile) / self.stride
        step = max(1, (self.tile - self.overlap) // self.stride)
        count = math.ceil(last / step) + 1
        starts = [math.floor(last * number / (count - 1)) * self.stride for number in range(count - 1)]
        return [*starts, side - self.tile]

    def _weights(self, starts, side):
        """Weights of each tile's rows (or columns) of the output, which sum to 1 over the tiles."""
        length = min(self.tile, side) * self.enlargement
        spare = self.overlap - 2 * self.radius
        feather = (min(FEATHER, spare) if spare >= 4 else self.overlap // 4) * self.enlargement
        margin = (self.overlap * self.enlargement - feather) / 2
        places = np.arange(length) + 0.5
        ramp = np.clip((places - margin) / max(feather, 1e-9), 0.0, 1.0)
        total = np.zeros(side * self.enlargement)
        weights = []
        for number, start in enumerate(starts):
            weight = np.ones(length)
            weight = weight * (ramp if number else 1.0) * (ramp[::-1] if number + 1 < len(starts) else 1.0)
            weights.append(weight)
            total[start * self.enlargement : start * self.enlargement + length] += weight
        return [
            (weight / total[start * self.enlargement : start * self.enlargement + length]).astype("float32")
            for start, weight in zip(starts, weights, strict=True)
        ]

    # Statistics of the whole picture --------------------------------------------------------------------------------

    def _measure(self, picture, rows, columns, advance):
        """Gives each normalization the statistics of its inputs over the whole picture."""
        cores = [self._cores(starts, side) for starts, side in zip((rows, columns), picture.shape[:2], strict=True)]
        size = np.minimum(self.tile, picture.shape[:2])
        for layer in self.normalizations:
            run = compiled_call(keras.Model(self.network.input, layer.input))
            count, mean, squares = 0, 0.0, 0.0
            for top, vertical in zip(rows, cores[0], strict=True):
                for left, horizontal in zip(columns, cores[1], strict=True):
                    maps = self._translated(run, picture, top, left).astype("float64")
                    places = np.array([vertical, horizontal]) - [[top], [left]]
                    (first, end), (start, stop) = np.rint(places * (maps.shape[:2] / size)[:, None]).astype(int)
                    core = maps[first:end, start:stop]
                    core = core.reshape(-1, 1 if layer.original.over_channels else maps.shape[-1])
                    count, mean, squares = _merged(count, mean, squares, core)
                    advance(1)
            layer.mean.assign(mean)
            layer.variance.assign(squares / count)

    def _cores(self, starts, side):
        """The ranges (first, end), without gaps, in which each tile is farthest from its borders."""
        middles = [(a + b + self.tile) / 2 for a, b in itertools.pairwise(starts)]
        edges = [0, *(round(middle / self.stride) * self.stride for middle in middles), side]
        return list(itertools.pairwise(edges))


def _without_noise(layer):
    """The replacement of a layer for inference: without dropout."""
    return keras.layers.Identity(dtype=layer.dtype_policy) if isinstance(layer, NoiseDropout) else layer


def _merged(count, mean, squares, values):
    """Count, mean and sum of squared deviations, updated with more values (Chan et al. 1979)."""
    new, own = len(values), values.mean(axis=0)
    total, difference = count + new, own - mean
    squares = squares + np.square(values - own).sum(axis=0) + np.square(difference) * (count * new / total)
    return total, mean + difference * (new / total), squares


def reach(network):
    """Computes the receptive field of a convolutional network.

    Args:
        network: Functional Keras model with one input of images.

    Returns:
        (radius, stride, bytes): an upper bound of the number of pixels around a pixel that influence its output; the
        largest distance between positions of feature maps, both in input pixels; and the bytes of the largest float32
        feature maps per input pixel.
    """
    known = {id(network.input): (1.0, 0.0)}
    widest, memory = 1.0, 0.0
    for depth in sorted(network._nodes_by_depth, reverse=True):
        for node in network._nodes_by_depth[depth]:
            if not node.input_tensors:
                continue
            inputs = [known[id(tensor)] for tensor in node.input_tensors]
            jump, radius = inputs[0][0], max(each[1] for each in inputs)
            jump, radius = _through(node.operation, jump, radius)
            for tensor in node.outputs:
                known[id(tensor)] = jump, radius
                memory = max(memory, 4.0 * (tensor.shape[-1] or 1) / jump**2)
            widest = max(widest, jump)
    return math.ceil(max(known[id(tensor)][1] for tensor in network.outputs)), round(widest), memory


def _through(layer, jump, radius):
    """Distance of positions and radius after a layer."""
    kernel, stride = (max(_numbers(getattr(layer, name, 1))) for name in ("kernel_size", "strides"))
    kernel = max(kernel, *_numbers(getattr(layer, "pool_size", 1)))
    if "Transpose" in type(layer).__name__:
        return jump / stride, radius + math.ceil(kernel / stride) * jump
    size = getattr(layer, "size", None) or getattr(layer, "factor", None)
    if size is not None and not hasattr(layer, "kernel_size"):
        return jump / max(_numbers(size)), radius + jump
    dilation = max(_numbers(getattr(layer, "dilation_rate", 1)))
    return jump * stride, radius + (kernel // 2) * dilation * jump


def _numbers(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
