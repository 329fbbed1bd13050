"""Highway layers (Srivastava et al. 2015, "Highway Networks")."""

import keras
from keras import layers


def highway(x, name, bias=-2.0):
    """Applies a highway layer: t relu(W x + b) + (1 - t) x, with the gate t = sigmoid(W' x + b').

    Args:
        x: Symbolic tensor of shape (..., features).
        name: Prefix of the layers' names.
        bias: Initial value of b'. A negative value initially passes most of x through.
    """
    size, initial = x.shape[-1], keras.initializers.Constant(bias)
    gates = layers.Dense(size, "sigmoid", bias_initializer=initial, name=f"{name}_gates")(x)
    values = layers.Dense(size, "relu", name=f"{name}_values")(x)
    return gates * values + (1.0 - gates) * x
