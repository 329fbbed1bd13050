"""Spectral normalization (Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks")."""

import keras
from keras import layers, ops
from keras.src.backend.common.stateless_scope import get_stateless_scope

from kerasgan.game.phase import EVALUATION, MICRO_BATCH
from kerasgan.layers.convolutions import Conv1D, Conv2D, conv_transpose
from kerasgan.objectives.losses import at_least_float32

register = keras.saving.register_keras_serializable(package="kerasgan")


class SpectralNormalization:
    """Mixin for a Keras layer that divides the kernel W by its largest singular value sigma in every call.

    W is the layer's kernel as a matrix, with one row per output channel (per class in an embedding). The trained
    variable is W itself. `u`, which is saved but not trained, tracks the first left singular vector: one power
    iteration (algorithm 1) is v = normalize(W^T u), u = normalize(W v), and sigma = u^T W v. No gradient flows through
    u and v, so that the gradient of a loss is orthogonal to W, as W / sigma does not depend on W's scale.

    `u` is updated in each call with `training=True`. Within a game it is updated once in each update of the network
    that owns it, however often the network is called in it (even in micro-batches), and never in another player's
    update. A call without training also iterates from `u`, as in the authors' code, but does not change it, so that
    sigma is correct for averaged weights too.

    The matrix is computed in float32 (or float64), whatever the precision of the layer.

    Args:
        *args: Arguments of the Keras layer.
        power_iterations: Number of power iterations per call.
        **kwargs: Keyword arguments of the Keras layer; images must be `channels_last`.
    """

    matrix_axis = -1  # axis of the kernel that becomes the rows of W
    epsilon = 1e-12

    def __init__(self, *args, power_iterations=1, **kwargs):
        super().__init__(*args, **kwargs)
        if getattr(self, "data_format", "channels_last") != "channels_last":
            raise ValueError(
                f"`data_format` is {self.data_format!r}; expected 'channels_last', as in all layers of kerasgan."
            )
        if not isinstance(power_iterations, int) or power_iterations < 1:
            raise ValueError(f"`power_iterations` is {power_iterations!r}; expected 1, 2, 3, ...")
        self.power_iterations = power_iterations

    def add_weight(self, *args, **kwargs):
        return super().add_weight(*args, **{**kwargs, "autocast": False})  # half precision is too coarse to iterate

    def build(self, input_shape=None):
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(self.raw_kernel.shape[self.matrix_axis],),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            aggregation="only_first_replica",
        )

    @property
    def raw_kernel(self):
        """The trained variable."""
        return self.kernel

    def normalized_kernel(self, training=False):
        """W / sigma in the layer's compute dtype; with `training`, `u` is updated as the class describes."""
        known, scope = EVALUATION.get(), get_stateless_scope()
        if known is None or not training:
            return self._iterate(training)
        value = scope and scope.get_current_value(self.raw_kernel)  # an unrolled step has its own weights
        key = (id(self), "normalized_kernel", id(value))
        if key not in known:
            known[key] = value, self._iterate(training)
        return known[key][1]

    def _iterate(self, training):
        kernel = at_least_float32(self.raw_kernel)
        rows = kernel.shape[self.matrix_axis]
        matrix = ops.reshape(ops.moveaxis(kernel, self.matrix_axis, -1), (-1, rows))  # W transposed, as in Keras
        fixed, u = ops.stop_gradient(matrix), ops.reshape(ops.cast(self.u, kernel.dtype), (-1, 1))
        u = ops.stop_gradient(u)
        for _ in range(self.power_iterations):
            v = self._unit(ops.matmul(fixed, u))
            u = self._unit(ops.matmul(ops.transpose(fixed), v))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.maximum(ops.sum(v * ops.matmul(matrix, u)), self.epsilon)
        if training:
            self._move(ops.cast(ops.reshape(u, (-1,)), self.u.dtype))
        return ops.cast(kernel / sigma, self.compute_dtype)

    def _move(self, u):
        part = MICRO_BATCH.get()
        if part is not None:  # all parts iterate from the same `u`, which the last one updates
            index, number = part
            u = ops.where(ops.equal(index, number - 1), u, ops.convert_to_tensor(self.u))
        self.u.assign(u)

    def _unit(self, vector):
        return vector * ops.rsqrt(ops.maximum(ops.sum(ops.square(vector)), self.epsilon**2))

    def call(self, inputs, training=False):
        outputs = self.apply_kernel(inputs, self.normalized_kernel(training))
        if getattr(self, "use_bias", False):
            outputs = outputs + ops.cast(self.bias, outputs.dtype)
        activation = getattr(self, "activation", None)
        return outputs if activation is None else activation(outputs)

    def save_own_variables(self, store):
        layers.Layer.save_own_variables(self, store)  # the methods of Keras' layers would omit `u`

    def load_own_variables(self, store):
        layers.Layer.load_own_variables(self, store)

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


class _Convolution(SpectralNormalization):
    def apply_kernel(self, inputs, kernel):
        """The layer's output for the normalized kernel, without bias and activation."""
        return self.convolution_op(inputs, kernel)


class _TransposedConvolution(SpectralNormalization):
    matrix_axis = -2

    def apply_kernel(self, inputs, kernel):
        """The layer's output for the normalized kernel, without bias and activation."""
        if self.output_padding is None and set(self.dilation_rate) == {1}:
            return conv_transpose(inputs, kernel, self.strides, self.padding)
        options = {"output_padding": self.output_padding, "dilation_rate": self.dilation_rate}
        return ops.conv_transpose(inputs, kernel, strides=list(self.strides), padding=self.padding, **options)


@register
class SpectralConv1D(_Convolution, Conv1D):
    """`keras.layers.Conv1D` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralConv2D(_Convolution, Conv2D):
    """`keras.layers.Conv2D` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralConv3D(_Convolution, layers.Conv3D):
    """`keras.layers.Conv3D` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralConv1DTranspose(_TransposedConvolution, layers.Conv1DTranspose):
    """`keras.layers.Conv1DTranspose` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralConv2DTranspose(_TransposedConvolution, layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralConv3DTranspose(_TransposedConvolution, layers.Conv3DTranspose):
    """`keras.layers.Conv3DTranspose` with spectral normalization: see `SpectralNormalization`."""


@register
class SpectralDense(SpectralNormalization, layers.Dense):
    """`keras.layers.Dense` with spectral normalization: see `SpectralNormalization`."""

    def apply_kernel(self, inputs, kernel):
        """The layer's output for the normalized kernel, without bias and activation."""
        return ops.matmul(inputs, kernel)


@register
class SpectralEmbedding(SpectralNormalization, layers.Embedding):
    """`keras.layers.Embedding` with spectral normalization: see `SpectralNormalization`."""

    matrix_axis = 0

    @property
    def raw_kernel(self):
        return self.embeddings

    def apply_kernel(self, inputs, kernel):
        """The rows of the normalized matrix."""
        return ops.take(kernel, ops.cast(inputs, "int32"), axis=0)

    def compute_output_spec(self, inputs, training=False):
        return super().compute_output_spec(inputs)
