"""The networks in PyTorch of `benchmarks.accelerator` are ours: as many parameters, and the same images and logits."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("PyTorch's optimizers import Triton, which ends a process with TensorFlow", allow_module_level=True)
torch = pytest.importorskip("torch")

from keras import ops  # noqa: E402

from benchmarks import torch_biggan, torch_dcgan, torch_stylegan2  # noqa: E402
from benchmarks.accelerator.games import GAMES, build  # noqa: E402
from benchmarks.accelerator.rows import count  # noqa: E402

MODULES = {"dcgan_64": torch_dcgan, "biggan_128": torch_biggan, "stylegan2_128": torch_stylegan2}
FULL = {
    "dcgan_64": {"generator": 3_576_707, "discriminator": 2_765_633},
    "biggan_128": {"generator": 70_433_988, "discriminator": 87_982_370},  # those of the authors' code, too
    "stylegan2_128": {"mapping": 525_312, "generator": 22_423_965, "discriminator": 23_882_369},
}


def counts(networks):
    return {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}


@pytest.mark.parametrize("name", MODULES)
def test_the_measured_networks_have_as_many_parameters_as_ours(name):
    with torch.device("meta"):
        assert counts(MODULES[name].networks(GAMES[name].arguments)) == FULL[name]


def tiny(name):
    """Our model in float32 with random weights, and the same networks in PyTorch."""
    model, _ = build(name, tiny=True, policy="float32")
    random = np.random.default_rng(1)
    for network in model.networks.values():
        for variable in network.trainable_variables:
            if "strength" not in variable.path:  # of noise, which differs
                variable.assign(np.asarray(variable) + random.normal(0, 0.1, variable.shape))
    networks = MODULES[name].networks({**GAMES[name].arguments, **GAMES[name].tiny})
    assert counts(networks) == {key: count(each.trainable_variables) for key, each in model.networks.items()}
    return model, networks


def put(parameter, variable, flat=None):
    """Gives a parameter our variable's values: kernels in PyTorch's order, `flat` (h, w, c) as (c, h, w)."""
    value = np.asarray(variable)
    if flat is not None:  # the outputs, or the inputs, of a dense layer of a map
        axis = value.shape.index(int(np.prod(flat)))
        value = np.moveaxis(value, axis, 0)
        value = value.reshape(*flat, -1).transpose(2, 0, 1, 3).reshape(len(value), -1)
        value = value.reshape(-1) if len(np.shape(variable)) == 1 else np.moveaxis(value, 0, axis)
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    elif value.ndim == 2 and "embedding" not in variable.path:
        value = value.T
    with torch.no_grad():
        assert tuple(parameter.shape) == value.shape
        parameter.copy_(torch.tensor(value.copy()))


def put_spectral(module, layer, flat=None):
    kernel = getattr(module, "kernel", module)
    put(kernel.weight, layer.raw_kernel, flat)
    put(kernel.u, layer.u, flat)
    if getattr(module, "bias", None) is not None:
        put(module.bias, layer.bias, flat)


def put_attention(module, layer):
    for name in ("theta", "phi", "g", "o"):
        put_spectral(getattr(module, name), getattr(layer, name))
    put(module.gamma, layer.gamma)


def images_of(array):
    return torch.tensor(np.asarray(array).transpose(0, 3, 1, 2).copy())


def close(ours, theirs):
    theirs = theirs.detach().numpy()
    theirs = theirs.transpose(0, 2, 3, 1) if theirs.ndim == 4 else theirs
    np.testing.assert_allclose(theirs, np.asarray(ours).reshape(theirs.shape), rtol=2e-4, atol=2e-5)


def test_biggan_computes_what_ours_does():
    model, networks = tiny("biggan_128")
    layer, theirs = model.generator.get_layer, networks["generator"]
    put(theirs.embedding.weight, layer("label_embedding").embeddings)
    put_spectral(theirs.stem, layer("stem"), layer("small").target_shape)
    for place, block in enumerate(theirs.blocks):
        for number in (1, 2):
            norm, ours = getattr(block, f"norm{number}"), layer(f"block{place}_normalization{number}")
            put_spectral(norm.gain, ours.gain)
            put_spectral(norm.offset, ours.offset)
            put_spectral(getattr(block, f"conv{number}"), layer(f"block{place}_convolution{number}"))
        put_spectral(block.shortcut, layer(f"block{place}_shortcut"))
    put_attention(theirs.attention["0"], layer("attention0"))
    put(theirs.norm.weight, layer("normalization").gamma)
    put(theirs.norm.bias, layer("normalization").beta)
    put_spectral(theirs.colors, layer("convolution"))
    random = np.random.default_rng(0)
    latents, labels = random.normal(size=(6, model.latent_dim)).astype("float32"), np.arange(6) % 4
    told = ops.convert_to_tensor(labels)
    images = model.generator([ops.convert_to_tensor(latents), told], training=True)
    close(images, theirs(torch.tensor(latents), torch.tensor(labels)))

    layer, theirs = model.discriminator.get_layer, networks["discriminator"]
    for place, block in enumerate(theirs.blocks):
        for number in (1, 2):
            put_spectral(getattr(block, f"conv{number}"), layer(f"block{place}_convolution{number}"))
        if block.shortcut is not None:
            put_spectral(block.shortcut, layer(f"block{place}_shortcut"))
    put_attention(theirs.attention["0"], layer("attention0"))
    put_spectral(theirs.score, layer("score"))
    put_spectral(theirs.projection, layer("label_projection"))
    logits = model.discriminator([images, told], training=False)
    close(logits, theirs.eval()(images_of(images), torch.tensor(labels)))
    wrong = theirs(images_of(images), torch.tensor(labels[::-1].copy())).detach().numpy()
    assert np.abs(wrong - np.asarray(logits)[:, 0]).max() > 1e-2


def put_modulated(module, layer):
    put(module.weight, layer.kernel)
    put(module.bias, layer.bias)
    put_equalized(module.style, layer.style)


def put_equalized(module, layer, flat=None):
    put(module.weight, layer.kernel, flat)
    if layer.use_bias:
        put(module.bias, layer.bias)


def test_stylegan2_computes_what_ours_does():
    model, networks = tiny("stylegan2_128")
    random = np.random.default_rng(0)
    latents = random.normal(size=(8, model.latent_dim)).astype("float32")
    for place, module in enumerate(networks["mapping"].layers):
        put_equalized(module, model.mapping.get_layer(f"dense{place}"))
    close(model.mapping(latents, training=True), networks["mapping"](torch.tensor(latents)))

    layer, theirs = model.generator.get_layer, networks["generator"]
    with torch.no_grad():
        theirs.constant.copy_(images_of(np.asarray(layer("constant").image)[None])[0])
    convolutions = iter(theirs.convolutions)
    for stage, colors in enumerate(theirs.colors):
        for number in (0, 1) if stage else (1,):
            put_modulated(next(convolutions).convolution, layer(f"stage{stage}_conv{number}"))
        put_modulated(colors, layer(f"stage{stage}_colors"))
    styles = random.normal(size=(8, theirs.count, model.style_dim)).astype("float32")
    images = model.generator(styles, training=True)
    close(images, theirs(torch.tensor(styles)))

    layer, theirs = model.discriminator.get_layer, networks["discriminator"]
    last = len(theirs.stages)
    put_equalized(theirs.colors, layer(f"stage{last}_colors"))
    for place, module in enumerate(theirs.stages):
        stage = last - place
        for name, part in (("first", "conv0"), ("second", "conv1"), ("skip", "skip")):
            put_equalized(getattr(module, name), layer(f"stage{stage}_{part}"))
    put_equalized(theirs.last, layer("conv"))
    put_equalized(theirs.features, layer("features"), layer("flat").input.shape[1:])
    put_equalized(theirs.logits, layer("logits"))
    close(model.discriminator(images, training=True), theirs(images_of(images)))


@pytest.mark.parametrize("name", MODULES)
def test_a_step_trains_both_players_and_the_average(name):
    torch.manual_seed(0)
    arguments = {**GAMES[name].arguments, **GAMES[name].tiny}
    play = MODULES[name].game(arguments, 4, torch.device("cpu"))
    before = {key: [p.detach().clone() for p in each.parameters()] for key, each in play.networks.items()}
    averages = [each.clone() for each in play.averages]
    play.step(0)  # all lazy phases are due
    assert play.is_finite()
    for key, each in play.networks.items():
        assert any(not torch.equal(a, b) for a, b in zip(before[key], each.parameters(), strict=True)), key
        assert all(p.requires_grad for p in each.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(averages, play.averages, strict=True))
