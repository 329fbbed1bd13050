"""An exported model behind KServe: V1 REST, which is TensorFlow Serving's, v2 REST and v2 gRPC."""

import grpc
import numpy as np
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from tests.serving.servers.client import (
    LABELS,
    check_at_once,
    decoded,
    draw,
    exported,
    free_ports,
    images,
    levels,
    pixels,
    request,
    server,
    strings,
    v2,
)

FOLDER, EXPECTED = exported()
SAMPLE = {"parameters": {"signature_name": "sample"}}


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """Of REST and gRPC."""
    rest, rpc = free_ports(2)
    arguments = ("tiny", FOLDER, "--http_port", rest, "--grpc_port", rpc)
    ready = f"http://127.0.0.1:{rest}/v2/health/ready"
    with server("kserve_server.py", *arguments, ready=ready, log=tmp_path_factory.mktemp("kserve") / "log"):
        yield rest, rpc


@pytest.fixture
def v1_url(ports):
    return f"http://127.0.0.1:{ports[0]}/v1/models/tiny:predict"


@pytest.fixture
def v2_url(ports):
    return f"http://127.0.0.1:{ports[0]}/v2/models/tiny/infer"


@pytest.fixture
def stub(ports):
    with grpc.insecure_channel(f"127.0.0.1:{ports[1]}") as channel:
        yield GRPCInferenceServiceStub(channel)


def message(inputs, signature, model="tiny"):
    """A v2 request over gRPC, with raw contents."""
    found = messages.ModelInferRequest(model_name=model)
    found.parameters["signature_name"].string_param = signature
    types = {"int32": "INT32", "int64": "INT64", "float32": "FP32"}
    for name, value in inputs.items():
        found.inputs.add(name=name, shape=value.shape, datatype=types[value.dtype.name])
        found.raw_input_contents.append(value.tobytes())
    return found


def rpc_draw(seed=7):
    return {"num": np.int32(3), "seed": np.int64(seed), "labels": np.int32(LABELS)}


def from_rpc(response):
    (output,) = response.outputs
    (raw,) = response.raw_output_contents
    return np.frombuffer(raw, "float32").reshape(output.shape)


def v1_sample(url, seed):
    status, answer = request(url, {"signature_name": "sample", "inputs": draw(seed=seed)})
    assert status == 200, answer
    return np.float32(answer["outputs"])


def v2_sample(url, seed):
    status, answer = request(url, v2(draw(seed=seed), **SAMPLE))
    assert status == 200, answer
    return images(answer)


def test_v1_rows(v1_url):
    rows = [
        {"latents": latents.tolist(), "labels": int(label)}
        for latents, label in zip(EXPECTED["latents"], EXPECTED["labels"], strict=True)
    ]
    status, answer = request(v1_url, {"instances": rows})
    assert status == 200
    np.testing.assert_allclose(answer["predictions"], EXPECTED["images"], rtol=0, atol=1e-6)


def test_v1_columns(v1_url):
    first, again = (v1_sample(v1_url, 7) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    np.testing.assert_allclose(first, EXPECTED["seed_7"], rtol=0, atol=1e-6)
    assert np.abs(first - EXPECTED["seed_8"]).max() > 0.05  # the control


def test_v1_png(v1_url):
    _, answer = request(v1_url, {"signature_name": "png", "inputs": draw()})
    np.testing.assert_array_equal(pixels(map(decoded, answer["outputs"])), levels(EXPECTED["seed_7"]))


def test_v2_rest(v2_url):
    np.testing.assert_allclose(v2_sample(v2_url, 7), EXPECTED["seed_7"], rtol=0, atol=1e-6)
    given = {name: EXPECTED[name] for name in ("latents", "labels")}
    _, answer = request(v2_url, v2(given))
    np.testing.assert_allclose(images(answer), EXPECTED["images"], rtol=0, atol=1e-6)


def test_v2_rest_png_must_be_asked_for_as_bytes(v2_url):
    parameters = {"signature_name": "png", "binary_data_output": True}
    _, raw = request(v2_url, v2(draw(), parameters=parameters))
    np.testing.assert_array_equal(pixels(strings(raw)), levels(EXPECTED["seed_7"]))
    status, answer = request(v2_url, v2(draw(), parameters={"signature_name": "png"}))
    assert status == 500 and "Please use binary_data=True" in answer["error"]


def test_v2_grpc(stub):
    first, again = (stub.ModelInfer(message(rpc_draw(), "sample")) for _ in range(2))
    assert first.raw_output_contents == again.raw_output_contents
    np.testing.assert_allclose(from_rpc(first), EXPECTED["seed_7"], rtol=0, atol=1e-6)
    (raw,) = stub.ModelInfer(message(rpc_draw(), "png")).raw_output_contents
    np.testing.assert_array_equal(pixels(strings(raw)), levels(EXPECTED["seed_7"]))


def test_two_hundred_requests_at_once(v1_url, v2_url, stub):
    check_at_once(lambda seed: v1_sample(v1_url, seed), EXPECTED)
    check_at_once(lambda seed: v2_sample(v2_url, seed), EXPECTED)
    check_at_once(lambda seed: from_rpc(stub.ModelInfer(message(rpc_draw(seed), "sample"), timeout=120)), EXPECTED)


ROW = {"latents": [0.0] * 4, "labels": 0}
V1_REFUSED = {
    "signature": ({"signature_name": "draw", "inputs": draw()}, "draw"),
    "name": (
        {"signature_name": "sample", "inputs": {**draw(), "number": 3}},
        "but ['labels', 'num', 'number', 'seed']",
    ),
    "missing": ({"instances": [{"latents": [0.0] * 4}]}, "['labels', 'latents']"),
    "no row": ({"instances": []}, "['labels', 'latents']"),
    "rows that differ": ({"instances": [ROW, {"latents": [0.0] * 4}]}, "mixed types"),
    "shape": ({"instances": [{"latents": [0.0] * 5, "labels": 0}]}, "Matrix size-incompatible"),
    "dtype": ({"signature_name": "sample", "inputs": draw(seed=7.5)}, "int64"),
    "text": ({"signature_name": "sample", "inputs": draw(seed="seven")}, "int64"),
    "seed": ({"signature_name": "sample", "inputs": draw(seed=-1)}, "seed must not be negative."),
    "num": ({"signature_name": "png", "inputs": draw(num=-1)}, "num must not be negative."),
    "label": ({"signature_name": "sample", "inputs": draw(labels=[0, 1, 3])}, "labels must be from 0 to 2."),
    "labels": ({"signature_name": "sample", "inputs": draw(labels=[0])}, "Give one label for each sample."),
    "no JSON": (b"{", "Unrecognized request format"),
}


@pytest.mark.parametrize("case", V1_REFUSED)
def test_v1_refuses(v1_url, case):
    body, sentence = V1_REFUSED[case]
    status, answer = request(v1_url, body)
    assert status == 400 and sentence in answer["error"], answer


V2_REFUSED = {
    "signature": (v2(draw(), parameters={"signature_name": "draw"}), "draw"),
    "name": (v2({**draw(), "number": 3}, **SAMPLE), "'number'"),
    "shape": (v2({"latents": np.zeros((1, 5)), "labels": [0]}), "Matrix size-incompatible"),
    "seed": (v2(draw(seed=-1), **SAMPLE), "seed must not be negative."),
}


@pytest.mark.parametrize("case", V2_REFUSED)
def test_v2_refuses(v2_url, case):
    body, sentence = V2_REFUSED[case]
    status, answer = request(v2_url, body)
    assert status == 400 and sentence in answer["error"], answer


@pytest.mark.parametrize(
    ("inputs", "signature", "code", "sentence"),
    [
        (rpc_draw(), "draw", "INVALID_ARGUMENT", "draw"),
        (rpc_draw(-1), "sample", "INVALID_ARGUMENT", "seed must not be negative."),
        ({**rpc_draw(), "seed": np.float32(7)}, "sample", "INVALID_ARGUMENT", "int64"),
        ({"num": np.int32(3)}, "png", "INVALID_ARGUMENT", "['labels', 'num', 'seed']"),
    ],
)
def test_v2_grpc_refuses(stub, inputs, signature, code, sentence):
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(message(inputs, signature))
    assert refused.value.code().name == code and sentence in refused.value.details()


def test_unknown_models(ports, stub):
    for path, body in (("v1/models/other:predict", {"instances": [ROW]}), ("v2/models/other/infer", v2(draw()))):
        status, answer = request(f"http://127.0.0.1:{ports[0]}/{path}", body)
        assert status == 404 and "other does not exist" in answer["error"]
    with pytest.raises(grpc.RpcError, match="other does not exist") as refused:
        stub.ModelInfer(message(rpc_draw(), "sample", model="other"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
