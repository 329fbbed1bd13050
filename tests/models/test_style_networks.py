"""The networks of ProGAN, StyleGAN and StyleGAN2 in small: what their papers say of them."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.inference import Inference
from kerasgan.layers import ModulatedConv2D, mix_styles, noise_mode
from kerasgan.layers.alias_free import FourierFeatures
from kerasgan.layers.growing import at_stage, stage_widths
from kerasgan.models import progan, stylegan, stylegan2, stylegan3
from kerasgan.objectives.regularizers import lazy_adam, path_length_penalty, path_lengths
from tests.golden.networks import compiled
from tests.golden.reader import weight_gradients

WIDTHS, SMALLEST = (6, 5, 4), (4, 6)
RNG = np.random.default_rng(0)
LATENTS = RNG.normal(size=(3, 8)).astype("float32")
LABELS = np.int32([0, 2, 1])


def images(stage):
    return RNG.normal(size=(3, 4 << stage, 6 << stage, 2)).astype("float32")


def enlivened(network):
    """Biases and noise strengths that are not 0."""
    rng = np.random.default_rng(1)
    for variable in network.trainable_variables:
        if len(variable.shape) < 2:
            variable.assign(ops.convert_to_numpy(variable) + rng.normal(size=variable.shape) * 0.3)
    return network


def of_stylegan2(architecture="skip", classes=None):
    mapping = stylegan2.mapping_network(8, 7, classes, depth=2)
    synthesis = stylegan2.synthesis_network(SMALLEST, 2, WIDTHS, 7, architecture, seed=0)
    return enlivened(stylegan2.generator_network(mapping, synthesis))


def of_stylegan3(radial):
    signals = stylegan3.signals(16, depth=3, critical=1)
    widths = stylegan3.stage_channels(signals, 16, 5)
    synthesis = stylegan3.synthesis_network(16, 2, signals, widths, 7, kernel_size=1 if radial else 3, radial=radial)
    return stylegan3.generator_network(stylegan3.mapping_network(8, 7, 3, depth=1), synthesis)


def inputs_of(network):
    """Something for each of its inputs."""
    shapes = {tensor.name: tensor.shape for tensor in network.inputs}
    known = {"latents": LATENTS, "labels": LABELS, "share": np.full((3, 1), 0.3, "float32")}
    values = [
        known[name] if name in known else RNG.normal(size=(3, *shape[1:])).astype("float32")
        for name, shape in shapes.items()
    ]
    return values if len(values) > 1 else values[0]


NETWORKS = {
    **{f"stylegan2 {kind}": lambda kind=kind: of_stylegan2(kind, 3) for kind in stylegan2.ARCHITECTURES},
    **{
        f"stylegan2 D {kind}": lambda kind=kind: stylegan2.discriminator_network((16, 24, 2), WIDTHS, 3, kind, depth=1)
        for kind in stylegan2.ARCHITECTURES
    },
    "progan": lambda: progan.generator_network(SMALLEST, 2, WIDTHS, 8, 3),
    "progan D": lambda: progan.discriminator_network(SMALLEST, 2, WIDTHS, 3),
    "stylegan mapping": lambda: stylegan.mapping_network(8, 7, 3, depth=2),
    "stylegan": lambda: stylegan.synthesis_network(SMALLEST, 2, WIDTHS, 7),
    **{f"stylegan3 {kind}": lambda kind=kind: of_stylegan3(kind == "R") for kind in "TR"},
    "stylegan D": lambda: stylegan.discriminator_network(SMALLEST, 2, WIDTHS),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_files_hold_the_networks(name, tmp_path):
    """Of any shape whose sides can be halved; a clone of the configuration too."""
    network = enlivened(NETWORKS[name]())
    inputs = inputs_of(network)
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    clone = keras.models.clone_model(network)
    clone.set_weights(network.get_weights())
    expected = None
    for each in (network, again, clone):
        with noise_mode(each, "constant"):
            found = [ops.convert_to_numpy(x) for x in keras.tree.flatten(compiled(each)(inputs))]
        expected = expected or found
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert {x.shape[1:] for x in expected} <= {(7,), (1,), (3,), (16, 16, 2), *((4 << s, 6 << s, 2) for s in range(3))}


@pytest.mark.parametrize("family", [progan, stylegan], ids=["progan", "stylegan"])
def test_fades_begin_and_end_at_the_stages(family):
    """The share 0 gives the smaller network's, the share 1 the larger one's."""
    last = 2
    if family is progan:
        generator, inputs = progan.generator_network(SMALLEST, 2, WIDTHS, 8), LATENTS
    else:
        generator = stylegan.synthesis_network(SMALLEST, 2, WIDTHS, 7)
        inputs = np.repeat(RNG.normal(size=(3, 1, 7)), 6, axis=1).astype("float32")
    discriminator = enlivened(family.discriminator_network(SMALLEST, 2, WIDTHS))
    shares = [np.full((3, 1), share, "float32") for share in (0, 1)]
    with noise_mode(generator, "constant"):
        draw = {stage: at_stage(enlivened(generator) if stage == 1 else generator, stage) for stage in (1, last)}
        fading = compiled(at_stage(generator, last, fading=True))
        low, high = (ops.convert_to_numpy(compiled(draw[stage])(inputs)) for stage in (1, last))
        np.testing.assert_allclose(fading([inputs, shares[0]]), low.repeat(2, 1).repeat(2, 2), atol=1e-6)
        np.testing.assert_allclose(fading([inputs, shares[1]]), high, atol=1e-6)
    x = images(last)
    small = x.reshape(3, 8, 2, 12, 2, 2).mean(axis=(2, 4))
    low, high = compiled(at_stage(discriminator, 1))(small), compiled(at_stage(discriminator, last))(x)
    fading = compiled(at_stage(discriminator, last, fading=True))
    np.testing.assert_allclose(fading([x, shares[0]]), low, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fading([x, shares[1]]), high, rtol=1e-5, atol=1e-6)
    assert np.abs(ops.convert_to_numpy(low) - ops.convert_to_numpy(high)).max() > 1e-3


def test_stages_are_of_the_growing_network():
    generator = progan.generator_network(SMALLEST, 2, WIDTHS, 8)
    first, fading = at_stage(generator, 0), at_stage(generator, 2, fading=True)
    assert [x.name for x in fading.inputs] == ["latents", "share"]
    known = {id(v) for v in generator.variables}
    assert {id(v) for v in [*first.variables, *fading.variables]} <= known
    assert len(first.variables) < len(fading.variables) < len(known)
    with pytest.raises(ValueError, match="stage is 0 and fading True, expected one of stage0"):
        at_stage(generator, 0, fading=True)


def test_noise_in_inference():
    """A function of the seed and the sample; without it the styles alone draw."""
    generator = of_stylegan2()
    run = Inference(generator)
    assert run.adds_noise
    images = run(LATENTS, seed=1)
    np.testing.assert_allclose(run(LATENTS, seed=1, batch_size=2), images, atol=1e-5)
    assert np.abs(run(LATENTS, seed=2) - images).max() > 1e-2
    with noise_mode(generator, "none"):
        without = compiled(generator)(LATENTS)
    np.testing.assert_allclose(run(LATENTS, noise="none"), without, atol=1e-5)


@pytest.mark.parametrize("crossover", [1, 2, 5])
def test_mixing_changes_only_later_layers(crossover):
    generator = of_stylegan2()
    synthesis = generator.get_layer("synthesis")
    names = ["stage0_conv1", "stage0_colors", "stage1_conv0", "stage1_conv1", "stage1_colors", "stage2_conv0"]
    places = [0, 1, 1, 2, 3, 3]
    inside = keras.Model(synthesis.input, [synthesis.get_layer(name).output for name in names])
    first, second = (RNG.normal(size=(2, 6, 7)).astype("float32") for _ in range(2))
    with noise_mode(synthesis, "constant"):
        call = compiled(inside)
        plain, mixed = call(first), call(mix_styles(first, second, crossover))
    for place, a, b in zip(places, plain, mixed, strict=True):
        changed = np.abs(ops.convert_to_numpy(a) - ops.convert_to_numpy(b)).max()
        assert changed > 1e-3 if place >= crossover else changed == 0


@pytest.mark.parametrize("architecture", stylegan2.ARCHITECTURES)
def test_path_length_reaches_every_layer(architecture):
    """But the biases of the colours, on which no slope depends."""
    generator = of_stylegan2(architecture)
    synthesis = generator.get_layer("synthesis")
    styles = ops.convert_to_tensor(RNG.normal(size=(2, 6, 7)), "float32")
    noise = ops.convert_to_tensor(RNG.normal(size=(2, 16, 24, 2)), "float32")
    variables = synthesis.trainable_variables

    def loss():
        with noise_mode(synthesis, "constant"):
            lengths = path_lengths(lambda ws: synthesis(ws, training=True), styles, noise)
        return ops.sum(path_length_penalty(lengths, 0.0)[0])

    slopes = compiled(lambda: weight_gradients(loss, variables))()
    for variable, slope in zip(variables, slopes, strict=True):
        moved = np.abs(ops.convert_to_numpy(slope)).max()
        assert moved == 0 if "colors/bias" in variable.path else moved > 1e-6, variable.path


def test_path_lengths_of_a_linear_generator():
    """An image A w has the length |A^T y|."""
    matrix = RNG.normal(size=(5, 4 * 4 * 2)).astype("float32")
    styles, noise = RNG.normal(size=(3, 1, 5)).astype("float32"), RNG.normal(size=(3, 4, 4, 2)).astype("float32")
    found = path_lengths(
        lambda ws: ops.reshape(ops.matmul(ws[:, 0], ops.convert_to_tensor(matrix)), (-1, 4, 4, 2)), styles, noise
    )
    expected = np.linalg.norm(noise.reshape(3, -1) @ matrix.T, axis=1) / 4
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_lazy_adam():
    settings = lazy_adam(keras.optimizers.Adam(0.0025, 0.5, 0.99, epsilon=1e-8), 16).get_config()
    found = [settings[name] for name in ("learning_rate", "beta_1", "beta_2", "epsilon")]
    np.testing.assert_allclose(found, [0.0025 * 16 / 17, 0.5 ** (16 / 17), 0.99 ** (16 / 17), 1e-8], rtol=1e-6)
    plain = keras.optimizers.SGD(0.1)
    assert lazy_adam(plain, 16) is plain


def test_widths():
    assert stage_widths(9) == (512, 512, 512, 512, 256, 128, 64, 32, 16)
    assert stage_widths(4, 256, 16) == (16, 16, 16, 8)
    with pytest.raises(ValueError, match="architecture is 'resnet', expected one of 'skip'"):
        stylegan2.synthesis_network(SMALLEST, 2, WIDTHS, 7, "resnet")


def test_waves_move_with_the_transform():
    """A translation by whole samples moves them by as many; one by a style moves them likewise."""
    layer = FourierFeatures(12, 5, cutoff=2.0, rate=8)
    styles = RNG.normal(size=(1, 7)).astype("float32")
    still = ops.convert_to_numpy(layer(styles))
    layer.transform.assign([[1, 0, 2 / 8], [0, 1, -1 / 8], [0, 0, 1]])
    np.testing.assert_allclose(layer(styles)[:, 1:, :-2], still[:, :-1, 2:], atol=1e-5)
    layer.transform.assign(np.eye(3))
    layer.style_bias.assign([0.5, 0.0, -1 / 8, 0.5 / 8])  # all are divided by the length of the first two
    np.testing.assert_allclose(layer(styles)[:, 1:, :-2], still[:, :-1, 2:], atol=1e-5)
    frequencies = np.linalg.norm(ops.convert_to_numpy(layer.frequencies), axis=1)
    assert frequencies.max() <= 2


def test_signals_refuse_other_sizes():
    for size in (8, 24):
        with pytest.raises(ValueError, match=f"image_size is {size}, expected a power of 2"):
            stylegan3.signals(size)
    with pytest.raises(ValueError, match="padding is 'full' and up 2"):
        ModulatedConv2D(3, up=2, padding="full")
