"""Pickles of whole networks, made of the golden weights, as presets; and pickles that want to run something."""

import json
import pickle

import numpy as np
import pytest
from keras import ops

import kerasgan
from kerasgan.commands.main import main
from kerasgan.layers import noise_mode
from kerasgan.zoo.pickled_networks import read_network
from kerasgan.zoo.torch_files import read_torch
from tests.golden.reader import Golden, channels_first
from tests.zoo.torch_pickles import (
    Call,
    Changed,
    Made,
    Named,
    Reference,
    persistent,
    pickled,
    plain,
    state_of,
    streamed,
    tensor,
)

SIZES = {"z_dim": 16, "w_dim": 16, "img_resolution": 32, "img_channels": 3}
STYLE3 = {**SIZES, "num_layers": 6, "num_fp16_res": 0, "mapping_kwargs": {"num_layers": 2}, "channel_max": 16}
OPTIONS = {
    "stylegan2_ada_uncond": {**SIZES, "c_dim": 0, "synthesis_kwargs": {"channel_base": 256, "channel_max": 16}},
    "stylegan2_ada_cond": {**SIZES, "c_dim": 5, "synthesis_kwargs": {"channel_base": 256, "conv_clamp": None}},
    "stylegan3_t": {**STYLE3, "c_dim": 0, "channel_base": 64},
    "stylegan3_r": {**STYLE3, "c_dim": 5, "channel_base": 128, "conv_kernel": 1, "use_radial_filters": True},
    "r3gan_uncond": None,
    "r3gan_cond": None,
}


def network(golden, options, wrap):
    """A generator of the golden weights as a pickle holds it."""
    arrays = golden.part("weights/G/") or golden.part("weights/")
    return wrap("Generator", state_of(arrays, wrap, **({} if options is None else {"_init_kwargs": options})))


def written(path, found):
    path.write_bytes(pickled(found))
    return path


def official(file, folder, **changes):
    """The path of a pickle, and of what it would leave behind if its source code was run."""
    golden, options, ran = Golden(file), OPTIONS[file], folder / "ran"
    options = None if options is None else {**options, **changes}
    generator = network(golden, options, plain if options is None else persistent(ran))
    easy = Call(
        Named("dnnlib.util", "EasyDict"), {"class_name": "training.dataset.ImageFolderDataset", "max_size": 70000}
    )
    whole = {"G": None, "D": None, "G_ema": generator, "training_set_kwargs": easy}
    return written(folder / "network.pkl", whole), ran


@pytest.mark.parametrize("file", OPTIONS)
def test_arrays(file, tmp_path):
    path, ran = official(file, tmp_path)
    found = read_network(path)
    expected = Golden(file).part("weights/G/") or Golden(file).part("weights/")
    assert set(found.arrays) == set(expected) and found.class_name == "Generator"
    assert found.arguments.get("img_resolution") == (OPTIONS[file] or {}).get("img_resolution")
    for name, array in expected.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found.arrays[name], array)
    assert not ran.exists()


FAMILIES = {"stylegan2": "StyleGAN2", "stylegan3": "StyleGAN3", "r3gan": "R3GAN"}


@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=[] if file == "stylegan2_ada_cond" else [pytest.mark.slow]) for file in OPTIONS]
)
def test_official_weights_become_a_preset(file, tmp_path, capsys):
    """Its images are the official ones, in single precision."""
    golden, family = Golden(file), file.split("_")[0]
    path, ran = official(file, tmp_path)
    assert main(["convert", family, str(path), str(tmp_path / "preset")]) == 0
    assert not ran.exists()
    model = kerasgan.load(str(tmp_path / "preset"))
    assert type(model).__name__ == FAMILIES[family]
    card = (tmp_path / "preset" / "README.md").read_text()
    assert "## Licence of the weights" in card and "license_name: " in card
    assert "licence of the weights: " + ("That of" if family == "r3gan" else "NVIDIA") in capsys.readouterr().out
    labels = [golden["inputs/c"].argmax(-1).astype("int32")] if "inputs/c" in golden.values else []
    inputs = [golden["inputs/z"], *labels]
    images = {None: model.generate(inputs, noise="none")}
    if family != "r3gan":
        images |= {"psi0.7": model.generate(inputs, noise="none", truncation=0.7)}
    names = {"stylegan2": {"img_none": None}, "r3gan": {"img": None}}.get(family, {"img": None, "img_psi0.7": "psi0.7"})
    found = {
        f"outputs/{name}": channels_first(images[key])[: len(golden[f"outputs/{name}"])] for name, key in names.items()
    }
    if family == "stylegan2":  # with the noise that the weights hold
        for name, psi in (("img_const", None), ("img_psi0.7_const", 0.7)):
            with noise_mode(model.ema_generator, "constant"):
                (styles,) = model.generator_inputs(
                    *(ops.convert_to_tensor(each[:2]) for each in inputs), truncation=psi
                )
                found[f"outputs/{name}"] = channels_first(model.ema_generator(styles))
    golden.check(found)


def test_architectures_and_limits(tmp_path):
    """The arrays say which generator it is; the bound of activations is an option."""
    golden = Golden("stylegan2_ada_archs")
    for name, architecture in (("G_resnet", "residual"), ("G_orig", "original")):
        arrays = golden.part(f"weights/{name}/")
        path = written(tmp_path / "x.pkl", {"G_ema": plain("Generator", state_of(arrays, plain))})
        model = kerasgan.StyleGAN2.from_official(read_network(path))
        assert model.architecture == architecture and model.limit is None
        (styles,) = model.generator_inputs(golden["inputs/z"])
        with noise_mode(model.ema_generator, "constant"):
            golden.check({f"outputs/{name}_img_const": channels_first(model.ema_generator(styles))})
    path, _ = official("stylegan2_ada_uncond", tmp_path, synthesis_kwargs={"conv_clamp": 0.8})
    golden, model = Golden("stylegan2_ada_uncond"), kerasgan.StyleGAN2.from_official(read_network(path))
    (styles,) = model.generator_inputs(golden["inputs/z"][:2])
    with noise_mode(model.ema_generator, "constant"):
        golden.check({"outputs/img_const_conv_clamp0.8": channels_first(model.ema_generator(styles))})


def test_own_licence(tmp_path, capsys):
    path, _ = official("r3gan_uncond", tmp_path)
    assert main(["convert", "r3gan", str(path), str(tmp_path / "preset"), "--license", "Mine, for everyone."]) == 0
    assert "licence of the weights: Mine, for everyone." in capsys.readouterr().out
    metadata = json.loads((tmp_path / "preset" / "metadata.json").read_text())
    assert metadata["license"] == {"name": "other", "text": "Mine, for everyone."}
    assert "Mine, for everyone." in (tmp_path / "preset" / "README.md").read_text()


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("stylegan2_ada_uncond", {"mapping_kwargs": {"lr_multiplier": 0.1}}, "lr_multiplier=0.1; expected 0.01"),
        ("stylegan3_t", {"conv_kernel": 1}, "configuration is neither T nor R"),
        ("stylegan3_t", {"margin_size": 12}, "margin_size=12; expected 10"),
        ("stylegan3_t", {"num_layers": 7}, "lacks"),
    ],
)
def test_options_that_are_not_supported(file, changes, message, tmp_path):
    path, _ = official(file, tmp_path, **changes)
    family = {"stylegan2": kerasgan.StyleGAN2, "stylegan3": kerasgan.StyleGAN3}[file.split("_")[0]]
    with pytest.raises(ValueError, match=message):
        family.from_official(read_network(path))
    with pytest.raises(ValueError, match="lacks the layers of R3GAN"):
        kerasgan.R3GAN.from_official(read_network(path))


def malicious(ran):
    """Pickles that would make a folder, or change the reader, by the error that each is to be."""
    mkdir, good = Call(Named("os", "mkdir"), str(ran)), tensor(np.zeros(3, "float32"))
    state = state_of({"w": np.zeros(3, "float32")}, plain)
    inner = streamed({"x": mkdir})
    size, rebuild = Named("torch", "Size"), Named("torch._utils", "_rebuild_tensor_v2")
    load, reconstruct = (
        Named("torch.storage", "_load_from_bytes"),
        Named("torch_utils.persistence", "_reconstruct_persistent_obj"),
    )
    generator, of_type = Named("training.networks", "Generator"), Named("torch._tensor", "_rebuild_from_type_v2")
    objects = Call(Named("numpy", "dtype"), "O8")
    return {
        "os.mkdir": mkdir,
        "posix.system": {"G_ema": Call(Named("posix", "system"), f"mkdir {ran}")},
        "builtins.eval": {"G_ema": Call(Named("builtins", "eval"), f"__import__('os').mkdir({str(ran)!r})")},
        "builtins.getattr": {"G_ema": Call(Named("builtins", "getattr"), Named("os", "path"), "os")},
        "dnnlib.tflib.network.Network": (None, None, Made(Named("dnnlib.tflib.network", "Network"), {})),
        "os.mkdir;": {"G_ema": Made(generator, {**state, "_buffers": {"x": mkdir}})},
        "os.mkdir;;": {"G_ema": Call(load, inner)},
        "is not a pickle of networks": {"G_ema": Made(rebuild, {})},
        "modifies a function": [Changed(rebuild, {"function": size})],
        "is not a pickle of networks;": [Changed(Named("collections", "OrderedDict"), {"update": size})],
        "creates an object that is not a module": Call(Named("copyreg", "_reconstructor"), size, None, None),
        "built by an unsupported function": Call(of_type, generator, None, (), {}),
        "parts of another file": {"G_ema": Reference("storage", Named("torch", "FloatStorage"), "0", "cpu", 3)},
        "an unsupported type, or of another version": {"G_ema": Call(reconstruct, {})},
        "storage is not of bytes": {"G_ema": Call(load, "x")},
        "has no storage": {"G_ema": Call(rebuild, good, 0, (3,), (1,), False, None)},
        "expected numbers": {"x": Call(Named("numpy.core.multiarray", "scalar"), objects, b"x" * 8)},
        "is a str; expected a tensor": {"G_ema": plain("G", {"_parameters": {"w": "x"}})},
        "is a str; expected a module": {"G_ema": plain("G", {"_modules": {"w": "x"}})},
        "are a list; expected a dictionary": {"G_ema": plain("G", {"_modules": []})},
        "with the network 'G_ema'": {"G": good},
        "holds list": [1],
    }


@pytest.mark.parametrize("message", malicious("x"))
def test_nothing_is_run(message, tmp_path):
    ran = tmp_path / "ran"
    path = written(tmp_path / "x.pkl", malicious(ran)[message])
    with pytest.raises(ValueError, match=message.rstrip(";")):
        read_network(path)
    assert not ran.exists()
    with pytest.raises(ValueError):
        read_torch(path)
    assert not ran.exists()
    # What was refused has changed nothing for the next file.
    path, _ = official("r3gan_uncond", tmp_path)
    assert len(read_network(path).arrays) == 38


def test_the_files_here_can_do_harm(tmp_path):
    """The negative control: Python's own unpickler runs them."""
    path = written(tmp_path / "x.pkl", malicious(tmp_path / "ran")["os.mkdir"])
    pickle.loads(path.read_bytes())
    assert (tmp_path / "ran").exists()


def test_damaged_files(tmp_path):
    path, _ = official("r3gan_uncond", tmp_path)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 1, len(whole) // 23):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError):
            read_network(path)
    itself = {"_modules": {}}
    found = plain("G", itself)
    itself["_modules"]["again"] = found
    with pytest.raises((ValueError, RecursionError)):
        read_network(written(path, {"G_ema": found}))
