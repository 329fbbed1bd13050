"""An exported model behind NVIDIA Triton: `python triton_server.py NAME SAVED_MODEL HTTP_PORT GRPC_PORT`.

LD_LIBRARY_PATH must name the folder of Python's own library, `sysconfig.get_config_var("LIBDIR")`, which Triton loads.
"""

import sys

import numpy as np
import tensorflow as tf
from pytriton.exceptions import PyTritonRuntimeError
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig


class Signature:
    """One signature of a SavedModel as a model of its own; Triton has no scalars, they come with the shape (1,)."""

    def __init__(self, signature):
        self.signature = signature
        self.inputs = tensors(signature.structured_input_signature[1])
        self.outputs = tensors(signature.structured_outputs)

    def __call__(self, requests):
        return [self.run(request) for request in requests]

    def run(self, request):
        specs = self.signature.structured_input_signature[1]
        try:
            inputs = {key: tf.reshape(request[key], [n or -1 for n in spec.shape]) for key, spec in specs.items()}
            return {key: value.numpy() for key, value in self.signature(**inputs).items()}
        except tf.errors.InvalidArgumentError as error:
            raise PyTritonRuntimeError(error.message) from None  # Triton sends the whole traceback


def tensors(specs):
    """What Triton must know of a signature's inputs or outputs."""
    types = {key: bytes if spec.dtype == tf.string else spec.dtype.as_numpy_dtype for key, spec in specs.items()}
    shapes = {key: [n or -1 for n in spec.shape] or [1] for key, spec in specs.items()}
    return [Tensor(name=key, dtype=np.dtype(types[key]).type, shape=tuple(shapes[key])) for key in specs]


if __name__ == "__main__":
    name, folder, http_port, grpc_port = sys.argv[1:]
    config = TritonConfig(http_port=int(http_port), grpc_port=int(grpc_port), allow_metrics=False)
    with Triton(config=config) as triton:
        for key, function in tf.saved_model.load(folder).signatures.items():
            served = Signature(function)
            model = name if key == "serving_default" else f"{name}_{key}"
            triton.bind(model, served, served.inputs, served.outputs, config=ModelConfig(batching=False))
        triton.serve()
