"""TensorFlow Serving's `PredictionService` over a folder of SavedModels, small enough for tests.

The codes for unknown models, unknown signatures and wrong names of inputs are those of `tensorflow_model_server`
(server_core.cc, predict_util.cc, get_model_metadata_impl.cc); what is wrong with values, TensorFlow says itself.
"""

import contextlib
from concurrent import futures
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Serves the highest version of each model in `folder`, `<model>/<version>/saved_model.pb`.

    Args:
        folder: path.
    """

    def __init__(self, folder):
        self.models = {}
        for path in Path(folder).iterdir():
            if path.is_dir():
                version = max(int(each.name) for each in path.iterdir() if each.name.isdigit())
                self.models[path.name] = version, path / str(version), tf.saved_model.load(path / str(version))

    def Predict(self, request, context):
        """Runs one signature."""
        version, _, model = self._find(request.model_spec, context)
        name = request.model_spec.signature_name or "serving_default"
        if name not in model.signatures:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
        signature = model.signatures[name]
        wanted, sent = set(signature.structured_input_signature[1]), set(request.inputs)
        if wanted != sent:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"inputs do not match signature {name}. Sent extra: {{{','.join(sorted(sent - wanted))}}}. "
                f"Missing but required: {{{','.join(sorted(wanted - sent))}}}.",
            )
        try:
            inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
            outputs = signature(**inputs)
        except (tf.errors.InvalidArgumentError, TypeError, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        response = predict_pb2.PredictResponse(model_spec=request.model_spec)
        response.model_spec.version.value, response.model_spec.signature_name = version, name
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response

    def GetModelMetadata(self, request, context):
        """Signatures of a model, as they stand in its file."""
        version, path, _ = self._find(request.model_spec, context)
        if list(request.metadata_field) != ["signature_def"]:
            wrong = [field for field in request.metadata_field if field != "signature_def"]
            sentence = f"Metadata field {wrong[0]} is not supported" if wrong else "Metadata field is missing"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, sentence)
        graph = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0]
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=graph.signature_def)
        response = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=request.model_spec)
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _find(self, spec, context):
        found = self.models.get(spec.name)
        if found is None or (spec.HasField("version") and spec.version.value != found[0]):
            wanted = f"Specific({spec.name}, {spec.version.value})" if found else f"Latest({spec.name})"
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")
        return found


@contextlib.contextmanager
def serving(folder):
    """Serves a folder on loopback; gives the address."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(folder), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
