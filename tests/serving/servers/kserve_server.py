"""An exported model behind KServe: `python kserve_server.py NAME SAVED_MODEL --http_port 8080 --grpc_port 8081`."""

import asyncio
import base64
import sys

import kserve
import tensorflow as tf
from kserve import InferOutput, InferRequest, InferResponse
from kserve.errors import InvalidInput


class Generator(kserve.Model):
    """Every signature of a SavedModel: V1 takes rows ("instances") or columns ("inputs"), v2 tensors by name."""

    def __init__(self, name, folder):
        super().__init__(name)
        self.signatures = tf.saved_model.load(folder).signatures
        self.ready = True

    async def predict(self, payload, headers=None):
        try:
            return await asyncio.to_thread(self.v2 if isinstance(payload, InferRequest) else self.v1, payload)
        except (tf.errors.InvalidArgumentError, AttributeError, TypeError, ValueError) as error:
            raise InvalidInput(getattr(error, "message", str(error))) from error

    def v1(self, payload):
        rows, columns = payload.get("instances"), payload.get("inputs", {})
        if rows:
            columns = {key: [row.get(key) for row in rows] for key in rows[0]}
        (output,) = self.run(payload.get("signature_name"), columns).values()
        return {"predictions" if rows else "outputs": [readable(each) for each in output.tolist()]}

    def v2(self, request):
        name = (request.parameters or {}).get("signature_name")
        inputs = {tensor.name: tensor.as_numpy() for tensor in request.inputs}
        outputs = self.run(getattr(name, "string_param", name), inputs)  # over gRPC a parameter is a message
        found = [InferOutput(key, list(value.shape), TYPES[value.dtype.char]) for key, value in outputs.items()]
        for output in found:  # KServe makes JSON of it where the request wants that
            output.set_data_from_numpy(outputs[output.name], binary_data=True)
        return InferResponse(request.id or "", self.name, found, use_binary_outputs=request.use_binary_outputs)

    def run(self, name, inputs):
        signature = self.signatures.get(name or "serving_default")
        if signature is None:
            raise InvalidInput(f"There is no signature {name}, but there are {', '.join(self.signatures)}.")
        specs = signature.structured_input_signature[1]
        if set(inputs) != set(specs):
            raise InvalidInput(f"Expected the inputs {sorted(specs)}, but {sorted(inputs)} came.")
        # What has a type keeps it, for the signature to refuse: tf.constant would make the integer 7 of an array's 7.5.
        tensors = {key: tf.constant(inputs[key], getattr(inputs[key], "dtype", specs[key].dtype)) for key in specs}
        return {key: value.numpy() for key, value in signature(**tensors).items()}


TYPES = {"f": "FP32", "O": "BYTES"}


def readable(value):
    """JSON has no bytes: as in TensorFlow Serving they go as base64."""
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


if __name__ == "__main__":
    kserve.ModelServer().start([Generator(*sys.argv[1:3])])
