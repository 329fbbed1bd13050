"""An exported model behind TensorFlow Serving's own gRPC stubs."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serving.tiny import LABELS, NAME, SEEDS

pytestmark = pytest.mark.tensorflow
SIGNATURES = {
    "serving_default": ({"latents": ("float32", [-1, 4]), "labels": ("int32", [-1])}, ["images"]),
    "sample": ({"num": ("int32", []), "seed": ("int64", []), "labels": ("int32", [-1])}, ["images"]),
    "png": ({"num": ("int32", []), "seed": ("int64", []), "labels": ("int32", [-1])}, ["png_bytes"]),
}
DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
DRAW = {"num": np.int32(3), "seed": np.int64(7), "labels": np.int32(LABELS)}


@pytest.fixture(scope="module")
def address(exported):
    """Of the exported model's service."""
    from tests.serving.servicer import serving

    with serving(exported[0]) as address:
        yield address


@pytest.fixture(scope="module")
def stub(address):
    """A client of the exported model."""
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def ask(stub, signature, inputs, model=NAME, version=None):
    """The outputs of a signature by name."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest(inputs={name: tf.make_tensor_proto(value) for name, value in inputs.items()})
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    response = stub.Predict(request, timeout=60)
    assert (response.model_spec.name, response.model_spec.version.value) == (NAME, 1)
    return {name: tf.make_ndarray(value) for name, value in response.outputs.items()}


def levels(images):
    return np.clip(np.round((images.astype("float64") + 1) * 127.5), 0, 255)


def test_the_same_seed_gives_the_models_own_pictures(stub, exported):
    expected = exported[1]
    first, again = (ask(stub, "sample", DRAW)["images"] for _ in range(2))
    assert first.tobytes() == again.tobytes() and first.dtype == "float32"
    np.testing.assert_allclose(first, expected["seed_7"], rtol=0, atol=1e-6)
    assert np.abs(first - expected["seed_8"]).max() > 0.05  # the control: another seed is another picture


def test_png_decodes_to_the_same_pictures(stub, exported):
    files = ask(stub, "png", DRAW)["png_bytes"]
    pixels = [np.array(Image.open(io.BytesIO(file)))[..., None] for file in files]
    np.testing.assert_array_equal(pixels, levels(exported[1]["seed_7"]))


def test_the_example_of_the_docs(address):
    (code,) = re.findall(r"```python\n(import grpc.*?)```", DOCS.read_text(), flags=re.S)
    found = {}
    exec(code.replace("localhost:8500", address).replace('"digits"', f'"{NAME}"'), found)
    assert [Image.open(io.BytesIO(file)).size for file in found["files"]] == [(8, 8)] * 2


@pytest.mark.parametrize("signature", ["serving_default", ""])
@pytest.mark.parametrize("batch", [0, 1, 17])
def test_given_latents(stub, exported, signature, batch):
    expected = exported[1]
    images = ask(stub, signature, {key: expected[key][:batch] for key in ("latents", "labels")})["images"]
    assert images.shape == (batch, 8, 8, 1)
    np.testing.assert_allclose(images, expected["images"][:batch], rtol=0, atol=1e-6)


def test_two_hundred_requests_at_once(stub, exported):
    def one(place):
        seed = place % len(SEEDS)
        return seed, ask(stub, "sample", {**DRAW, "seed": np.int64(seed)})["images"]

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(one, range(200)))
    for seed, images in answers:
        np.testing.assert_allclose(images, exported[1][f"seed_{seed}"], rtol=0, atol=1e-6)
    assert len({images.tobytes() for _, images in answers}) == len(SEEDS)  # to the bit, whoever ran beside it


def test_the_service_describes_the_signatures(stub):
    import tensorflow as tf
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = NAME
    packed, found = stub.GetModelMetadata(request).metadata["signature_def"], get_model_metadata_pb2.SignatureDefMap()
    assert packed.Unpack(found)

    def described(info):
        return tf.dtypes.as_dtype(info.dtype).name, [size.size for size in info.tensor_shape.dim]

    served = {name: each for name, each in found.signature_def.items() if not name.startswith("__")}
    assert {
        name: ({key: described(info) for key, info in each.inputs.items()}, list(each.outputs))
        for name, each in served.items()
    } == SIGNATURES
    assert {each.method_name for each in served.values()} == {"tensorflow/serving/predict"}


REFUSED = {
    "model": ("sample", DRAW, {"model": "other"}, "NOT_FOUND", "Latest(other)"),
    "version": ("sample", DRAW, {"version": 2}, "NOT_FOUND", "Specific(tiny, 2)"),
    "signature": ("draw", DRAW, {}, "FAILED_PRECONDITION", 'signature key "draw" not found'),
    "name": ("sample", {**DRAW, "number": 3}, {}, "INVALID_ARGUMENT", "Sent extra: {number}"),
    "missing": ("png", {"num": np.int32(3)}, {}, "INVALID_ARGUMENT", "required: {labels,seed}"),
    "shape": (
        "serving_default",
        {"latents": np.zeros((3, 5), "float32"), "labels": DRAW["labels"]},
        {},
        "INVALID_ARGUMENT",
        "Matrix size-incompatible",
    ),
    "rank": ("sample", {**DRAW, "num": np.int32([3, 3])}, {}, "INVALID_ARGUMENT", "should be a scalar: [2]"),
    "dtype": ("sample", {**DRAW, "seed": np.float32(7)}, {}, "INVALID_ARGUMENT", "int64"),
    "text": ("sample", {**DRAW, "seed": b"seven"}, {}, "INVALID_ARGUMENT", "int64"),
    "seed": ("sample", {**DRAW, "seed": np.int64(-1)}, {}, "INVALID_ARGUMENT", "seed must not be negative."),
    "num": ("png", {**DRAW, "num": np.int32(-1)}, {}, "INVALID_ARGUMENT", "num must not be negative."),
    "label": ("sample", {**DRAW, "labels": np.int32([0, 1, 3])}, {}, "INVALID_ARGUMENT", "labels must be from 0 to 2."),
    "labels": ("sample", {**DRAW, "labels": np.int32([0])}, {}, "INVALID_ARGUMENT", "Give one label for each sample."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(stub, case):
    import grpc

    signature, inputs, options, code, sentence = REFUSED[case]
    with pytest.raises(grpc.RpcError) as refused:
        ask(stub, signature, inputs, **options)
    assert refused.value.code().name == code
    assert sentence in refused.value.details()


@pytest.mark.parametrize("fields", [[], ["graph"]])
def test_metadata_knows_signatures_only(stub, fields):
    import grpc
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = NAME
    with pytest.raises(grpc.RpcError, match="Metadata field") as refused:
        stub.GetModelMetadata(request)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
