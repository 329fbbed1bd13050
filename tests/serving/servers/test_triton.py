"""An exported model behind NVIDIA Triton: its REST interface, and its own gRPC client."""

import sysconfig

import numpy as np
import pytest
import tritonclient.grpc as triton

from tests.serving.servers.client import (
    LABELS,
    check_at_once,
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


@pytest.fixture(scope="module")
def ports(tmp_path_factory):
    """Of REST and gRPC."""
    rest, rpc = free_ports(2)
    with server(
        "triton_server.py",
        *("tiny", FOLDER, rest, rpc),
        ready=f"http://127.0.0.1:{rest}/v2/models/tiny_png/ready",
        log=tmp_path_factory.mktemp("triton") / "log",
        LD_LIBRARY_PATH=sysconfig.get_config_var("LIBDIR"),
    ):
        yield rest, rpc


@pytest.fixture
def ask(ports):
    """A function that sends the inputs of a model over REST."""

    def sent(model, inputs, **more):
        return request(f"http://127.0.0.1:{ports[0]}/v2/models/{model}/infer", v2(inputs, scalars=(1,), **more))

    return sent


@pytest.fixture
def client(ports):
    with triton.InferenceServerClient(f"127.0.0.1:{ports[1]}") as client:
        yield client


def tensors(**inputs):
    """Inputs of Triton's client."""
    found = []
    for name, value in inputs.items():
        value = np.atleast_1d(value)
        found.append(triton.InferInput(name, value.shape, triton.np_to_triton_dtype(value.dtype)))
        found[-1].set_data_from_numpy(value)
    return found


def rpc_draw(seed=7):
    return tensors(num=np.int32(3), seed=np.int64(seed), labels=np.int32(LABELS))


def test_rest(ask):
    pictures = [images(ask("tiny_sample", draw())[1]) for _ in range(2)]
    assert pictures[0].tobytes() == pictures[1].tobytes()
    np.testing.assert_allclose(pictures[0], EXPECTED["seed_7"], rtol=0, atol=1e-6)
    assert np.abs(pictures[0] - EXPECTED["seed_8"]).max() > 0.05  # the control
    answer = ask("tiny", {name: EXPECTED[name] for name in ("latents", "labels")})[1]
    np.testing.assert_allclose(images(answer), EXPECTED["images"], rtol=0, atol=1e-6)


def test_rest_png_must_be_asked_for_as_bytes(ask):
    _, raw = ask("tiny_png", draw(), outputs=[{"name": "png_bytes", "parameters": {"binary_data": True}}])
    np.testing.assert_array_equal(pixels(strings(raw)), levels(EXPECTED["seed_7"]))
    _, answer = ask("tiny_png", draw())
    assert isinstance(answer, bytes)  # which calls itself JSON and cannot be: PNG is no text


def test_grpc(client):
    found = client.infer("tiny_sample", rpc_draw()).as_numpy("images")
    np.testing.assert_allclose(found, EXPECTED["seed_7"], rtol=0, atol=1e-6)
    files = client.infer("tiny_png", rpc_draw()).as_numpy("png_bytes")
    np.testing.assert_array_equal(pixels(files.tolist()), levels(EXPECTED["seed_7"]))


def test_two_hundred_requests_at_once(ask, client):
    check_at_once(lambda seed: images(ask("tiny_sample", draw(seed=seed))[1]), EXPECTED)
    check_at_once(lambda seed: client.infer("tiny_sample", rpc_draw(seed)).as_numpy("images"), EXPECTED)


def test_describes_the_signatures(client):
    found = client.get_model_metadata("tiny_sample", as_json=True)
    described = {each["name"]: (each["datatype"], each["shape"]) for each in found["inputs"] + found["outputs"]}
    assert described == {
        "num": ("INT32", ["1"]),
        "seed": ("INT64", ["1"]),
        "labels": ("INT32", ["-1"]),
        "images": ("FP32", ["-1", "8", "8", "1"]),
    }


@pytest.mark.parametrize(
    ("model", "inputs", "status", "sentence"),
    [
        ("other", draw(), 404, "unknown model: 'other'"),
        ("tiny_sample", {**draw(), "number": 3}, 400, "number"),
        ("tiny_sample", {"num": 3, "labels": LABELS}, 400, "missing required input(s) ['seed']"),
        ("tiny_sample", draw(seed=[7, 8]), 400, "Expected [1], got [2]"),
        ("tiny", {"latents": np.zeros((1, 5)), "labels": [0]}, 400, "Expected [-1,4], got [1,5]"),
        ("tiny_sample", draw(seed=-1), 500, "seed must not be negative."),
        ("tiny_png", draw(num=-1), 500, "num must not be negative."),
        ("tiny_sample", draw(labels=[0, 1, 3]), 500, "labels must be from 0 to 2."),
        ("tiny_sample", draw(labels=[0]), 500, "Give one label for each sample."),
    ],
)
def test_refuses(ask, model, inputs, status, sentence):
    found, answer = ask(model, inputs)
    assert found == status and sentence in answer["error"], answer


def test_grpc_refuses(client):
    with pytest.raises(triton.InferenceServerException, match="seed must not be negative") as refused:
        client.infer("tiny_sample", rpc_draw(-1))
    assert refused.value.status() == "StatusCode.INTERNAL"
    with pytest.raises(triton.InferenceServerException, match="'FP32', but model 'tiny_sample' expects 'INT64'"):
        client.infer("tiny_sample", tensors(num=np.int32(3), seed=np.float32(7), labels=np.int32(LABELS)))
    assert client.is_model_ready("tiny_sample")  # and serves on
    np.testing.assert_allclose(
        client.infer("tiny_sample", rpc_draw()).as_numpy("images"), EXPECTED["seed_7"], rtol=0, atol=1e-6
    )
