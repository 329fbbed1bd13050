"""Files of PyTorch in both of its formats, written here byte by byte from the golden weights, and what is refused."""

import zipfile

import numpy as np
import pytest

import kerasgan
from kerasgan import BigGAN
from kerasgan.commands.main import main
from kerasgan.zoo.torch_files import DAMAGES, read_torch
from tests.golden.reader import Golden, channels_first
from tests.zoo.torch_pickles import Call, Named, Reference, described, pickled, streamed


def archive(path, found, data=(), compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled(found))
        file.writestr("archive/byteorder", "little")
        for key, (_, content) in dict(data).items():
            file.writestr(f"archive/data/{key}", content)
        file.writestr("archive/version", "3\n")
    return path


def stream(path, found, data=()):
    path.write_bytes(streamed(found, data))
    return path


FORMATS = {"archive": archive, "stream": stream}


@pytest.mark.parametrize("form", FORMATS)
def test_both_formats(form, tmp_path):
    arrays = dict(Golden("biggan_32").part("weights/G/"))
    arrays |= {"half": np.float16([1.5, -2]), "count": np.array(7), "double": np.array([[1e-300]])}
    found = read_torch(FORMATS[form](tmp_path / "G.pth", *described(arrays, form == "stream")))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found[name], array)


def tensor(shape, strides, start=0, count=6, kind="FloatStorage"):
    storage = Reference("storage", Named("torch", kind), "0", "cpu", count)
    return {"x": Call(Named("torch._utils", "_rebuild_tensor_v2"), storage, start, shape, strides, False, {})}


SIX = {"0": (6, np.arange(6, dtype="<f4").tobytes())}


def test_views_and_types(tmp_path):
    path = tmp_path / "x.pth"
    found = read_torch(archive(path, tensor((2, 2), (1, 3), 1), SIX))["x"]
    np.testing.assert_array_equal(found, [[1, 4], [2, 5]])
    bits = np.float32([1.0, -2.5]).view("<u4") >> 16
    brain = {"0": (2, bits.astype("<u2").tobytes())}
    found = read_torch(archive(path, tensor((2,), (1,), 0, 2, "BFloat16Storage"), brain))["x"]
    np.testing.assert_array_equal(found, np.float32([1.0, -2.5]))
    nested = {"list": [1, "a", (None, 2.5)], **tensor((6,), (1,))}
    parameter = Call(Named("torch._utils", "_rebuild_parameter"), nested["x"], True, {})
    assert read_torch(archive(path, {**nested, "x": parameter}, SIX))["list"] == [1, "a", (None, 2.5)]


def test_nothing_else_is_run(tmp_path):
    """A pickle may name any function: here each name but those of tensors is an error before it is looked up."""
    path, ran = tmp_path / "x.pth", tmp_path / "ran"
    for module, name, argument in (("os", "mkdir", str(ran)), ("builtins", "eval", "1"), ("torch.nn", "Conv2d", 1)):
        for form in FORMATS.values():
            with pytest.raises(ValueError, match=rf"holds {module}.{name}; expected tensors"):
                read_torch(form(path, {"x": Call(Named(module, name), argument)}))
    assert not ran.exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (tensor((7,), (1,)), "larger than its storage"),
        (tensor((2,), (6,)), "larger than its storage"),
        (tensor((10**9,), (0,)), "larger than its storage"),
        (tensor((2,), (-1,), 5), "strides"),
        (tensor((2,), (1,), -1), "strides"),
        (tensor((6,), (1,), count=7), "24 bytes; expected 28"),
        (tensor((6,), (1,), kind="DoubleStorage"), "24 bytes; expected 48"),
        ({"x": Reference("module", 1, "0", "cpu", 6)}, "expected a storage"),
    ],
)
def test_what_does_not_fit(wrong, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_torch(archive(tmp_path / "x.pth", wrong, SIX))


def test_damaged_files(tmp_path):
    path = tmp_path / "x.pth"
    whole = stream(path, *described({"x": np.arange(6, dtype="float32")}, True)).read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError):
            read_torch(path)
    path.write_bytes(b"no pickle at all")
    with pytest.raises(ValueError, match="is not a file of PyTorch"):
        read_torch(path)
    with pytest.raises(ValueError, match="compressed"):
        read_torch(archive(path, tensor((6,), (1,)), SIX, zipfile.ZIP_DEFLATED))
    itself: list = []
    itself.append(itself)
    with pytest.raises(ValueError, match="damaged"):
        read_torch(archive(path, itself))
    assert RecursionError in DAMAGES


@pytest.mark.parametrize(
    "file", ["biggan_32", *(pytest.param(f, marks=pytest.mark.slow) for f in ("biggan_64_mybn", "biggan_deep_32"))]
)
def test_official_weights_become_a_preset(file, tmp_path):
    golden = Golden(file)
    weights = archive(tmp_path / "G_ema.pth", *described(golden.part("weights/G/"), False))
    assert main(["convert", "biggan", str(weights), str(tmp_path / "preset")]) == 0
    model = kerasgan.load(str(tmp_path / "preset"))
    assert isinstance(model, BigGAN) and type(model).__name__ == ("BigGANDeep" if "deep" in file else "BigGAN")
    images = model.generate([golden["inputs/z"].astype("float32"), golden["inputs/y"].astype("int32")])
    key = next(key for key in golden.values if key.startswith("outputs/eval/img") and "interp" not in key)
    expected = golden[key]
    np.testing.assert_allclose(channels_first(images)[: len(expected)], expected, rtol=0, atol=1e-4)


def test_other_weights_are_refused(tmp_path, capsys):
    weights = archive(tmp_path / "x.pth", tensor((6,), (1,)), SIX)
    assert main(["convert", "biggan", str(weights), str(tmp_path / "preset")]) == 2
    assert "expected the weights of a generator of BigGAN-PyTorch" in capsys.readouterr().err
    assert main(["convert", "dcgan", str(weights), str(tmp_path / "preset")]) == 2
    assert "no official weights of 'dcgan'" in capsys.readouterr().err
