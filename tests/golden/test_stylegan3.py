"""StyleGAN3 against the authors' code (github.com/NVlabs/stylegan3 at c233a91), configurations T and R."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import truncate
from kerasgan.layers.alias_free import FilteredLeakyReLU
from kerasgan.models import stylegan3
from kerasgan.zoo.convert import assign
from tests.golden.networks import compiled, in_their_layout
from tests.golden.reader import Golden, channels_first, channels_last, weight_gradients


class Theirs:
    """Our generator with the weights of a file, and what the file feeds in."""

    def __init__(self, config):
        self.golden, turns = Golden(f"stylegan3_{config}"), config == "r"
        self.signals = stylegan3.signals(32, depth=6)
        widths = stylegan3.stage_channels(self.signals, 128 if turns else 64, 16)
        self.mapping = stylegan3.mapping_network(16, 16, 5 if turns else None)
        options = {"kernel_size": 1, "radial": True} if turns else {}
        self.synthesis = stylegan3.synthesis_network(32, 3, self.signals, widths, 16, **options)
        generator = stylegan3.generator_network(self.mapping, self.synthesis)
        self.sources = stylegan3.generator_sources(generator)
        assign(self.sources, self.golden.part("weights/"), stylegan3.CONSTANT_ARRAYS)
        self.generator = generator
        latents = ops.convert_to_tensor(self.golden["inputs/z"], keras.config.floatx())
        labels = ops.convert_to_tensor(self.golden["inputs/c"].argmax(-1).astype("int32")) if turns else None
        self.inputs = [latents, labels] if turns else latents
        self.mean = self.mapping.get_layer("mean_style").mean

    def styles(self):
        return ops.repeat(self.mapping(self.inputs)[:, None], 8, axis=1)


@pytest.fixture(params=["t", "r"])
def case(request, precision):
    return Theirs(request.param)


def test_signals_and_filters(case):
    """The columns: see the names."""
    names = "in_channels out_channels in_width in_height out_width out_height in_rate out_rate inner_rate in_cutoff "
    names += "out_cutoff in_half_width out_half_width up down up_taps down_taps x0 x1 y0 y1 colors critical radial"
    golden, old = case.golden, case.signals[0]
    for (key, row), signal in zip(golden.part("config/layers/").items(), case.signals, strict=True):
        stored = dict(zip(names.split(), row, strict=True))
        found = {
            "out_width": signal.size,
            "out_rate": signal.rate,
            "out_cutoff": signal.cutoff,
            "out_half_width": signal.half_width,
            "in_cutoff": old.cutoff,
            "in_half_width": old.half_width,
            "in_rate": old.rate,
            "critical": signal.critical,
        }
        place = key.split("_")[0].removeprefix("L")
        if not stored["colors"]:
            layer = case.synthesis.get_layer(f"layer{place}_activation")
            convolution = case.synthesis.get_layer(f"layer{place}")
            padding = layer.padding(layer.input.shape[1])
            found |= {"up": layer.up, "down": layer.down, "up_taps": len(layer.up_filter), "radial": layer.radial}
            found |= {"down_taps": len(layer.down_filter), "x0": padding[0], "y1": padding[1]}
            found |= {"in_channels": convolution.input[0].shape[-1], "out_channels": convolution.filters}
            for name in ("up", "down"):
                stored_filter = golden[f"weights/synthesis.{key}.{name}_filter"]
                np.testing.assert_allclose(getattr(layer, f"{name}_filter"), stored_filter, rtol=1e-6, atol=1e-8)
        for name, value in found.items():
            np.testing.assert_allclose(value, stored[name], rtol=1e-12, err_msg=f"{key}: {name}")
        old = signal


def test_images(case):
    golden, styles = case.golden, case.styles()
    golden.check({"outputs/w": styles[:, 0], "outputs/ws_psi0.7_cutoff3": truncate(styles, case.mean, 0.7, 3)})
    transform = case.synthesis.get_layer("waves").transform
    inside = {"input": case.synthesis.get_layer("waves").output}
    for layer in case.synthesis.layers:
        if isinstance(layer, FilteredLeakyReLU):
            place = layer.name.removeprefix("layer").removesuffix("_activation")
            inside[f"L{place}_{layer.size}_{layer.output.shape[-1]}"] = layer.output
    inside["L6_32_3"] = case.synthesis.get_layer("limited").output
    network = keras.Model(case.synthesis.input, {**inside, "img": case.synthesis.output})
    weights = [ops.convert_to_tensor(v.value) for v in network.trainable_variables]
    fixed = network.non_trainable_variables

    def images_at(styles, matrix):
        values = [matrix if v is transform else ops.convert_to_tensor(v.value) for v in fixed]
        return network.stateless_call(weights, values, styles)[0]

    draw = compiled(images_at)
    still = ops.convert_to_tensor(transform.value)
    found = draw(styles, still)
    golden.check({"outputs/img": channels_first(found.pop("img"))})
    golden.check_all("outputs/layers/", {key: channels_first(value) for key, value in found.items()})
    golden.check({"outputs/img_psi0.7": channels_first(draw(truncate(styles, case.mean, 0.7), still)["img"])})
    for name in ("transform", "transform_zoom_out"):
        images = draw(styles, ops.convert_to_tensor(golden[f"inputs/{name}"], transform.dtype))["img"]
        golden.check({f"outputs/img_with_{name}": channels_first(images)})


def test_moving_means(case):
    """The images are those of the new magnitudes."""
    images = case.generator(case.inputs, training=True)
    found = {source.key: v for v, source in case.sources if source.key.endswith(("magnitude_ema", "w_avg"))}
    case.golden.check_all("outputs/update_emas/", {**found, "img": channels_first(images)})


def test_gradients(case):
    golden, cotangent = case.golden, ops.convert_to_tensor(channels_last(case.golden["inputs/cotangent"]))
    stored = golden.part("grads/")
    pairs = [(v, source) for v, source in case.sources if source.key in stored]
    cotangent = ops.cast(cotangent, keras.config.floatx())
    slopes = compiled(
        lambda: weight_gradients(lambda: ops.sum(case.generator(case.inputs) * cotangent), [v for v, _ in pairs])
    )()
    found = {s.key: in_their_layout(s, g, stored[s.key].shape) for (_, s), g in zip(pairs, slopes, strict=True)}
    golden.check_all("grads/", found)
