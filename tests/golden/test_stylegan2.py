"""StyleGAN2 against the authors' StyleGAN2-ADA (github.com/NVlabs/stylegan2-ada-pytorch at d72cc7d)."""

import math

import keras
import pytest
from keras import ops

from kerasgan.layers import mix_styles, noise_mode, truncate
from kerasgan.layers.growing import stage_widths
from kerasgan.models import stylegan2
from kerasgan.objectives.losses import NonSaturating
from kerasgan.objectives.penalties import R1, squared_gradient_norms
from kerasgan.objectives.regularizers import lazy_adam, path_length_penalty, path_lengths, style_slopes
from kerasgan.testing.scripted import double_precision
from kerasgan.zoo.convert import assign
from tests.golden.networks import compiled, in_their_layout
from tests.golden.reader import SLOW_ON_JAX, Golden, channels_first, channels_last, weight_gradients

slow_on_jax = pytest.mark.slow if SLOW_ON_JAX else lambda test: test
NAMES = {"skip": "skip", "resnet": "residual", "orig": "original"}


class Theirs:
    """Our networks with the weights of a file, and what the file feeds in."""

    def __init__(self, file, size=32, base=256, most=16, classes=None, kinds=("skip", "resnet"), nets="GD", limit=None):
        self.golden, self.classes = Golden(file), classes
        widths = stage_widths(size.bit_length() - 2, base, most)
        generator, discriminator = (NAMES[kind] for kind in kinds)
        mapping = stylegan2.mapping_network(most, most, classes)
        synthesis = stylegan2.synthesis_network((4, 4), 3, widths, most, generator, limit)
        self.mapping, self.synthesis = mapping, synthesis
        self.generator = stylegan2.generator_network(mapping, synthesis)
        options = {"architecture": discriminator, "limit": limit}
        self.discriminator = stylegan2.discriminator_network((size, size, 3), widths, classes, **options)
        self.sources = {
            nets[0]: stylegan2.generator_sources(self.generator),
            nets[1]: stylegan2.discriminator_sources(self.discriminator),
        }
        for name, pairs in self.sources.items():
            assign(pairs, self.golden.part(f"weights/{name}/"), stylegan2.CONSTANT_ARRAYS)

    def map(self, latents, labels=None, **options):
        inputs = self.tensor(latents)
        return self.mapping([inputs, self.labels(labels)] if self.classes else inputs, **options)

    def styles(self, latents, labels=None, **options):
        return self.repeated(self.map(latents, labels, **options))

    def repeated(self, styles):
        return ops.repeat(styles[:, None], self.synthesis.input_shape[1], axis=1)

    def draw(self, styles, noise="constant"):
        with noise_mode(self.generator, noise):
            return self.synthesis(styles, training=True)

    def judge(self, images, labels=None):
        return self.discriminator([images, self.labels(labels)] if self.classes else images, training=True)

    @staticmethod
    def labels(one_hot):
        return ops.convert_to_tensor(one_hot.argmax(-1).astype("int32"))

    @staticmethod
    def tensor(values):
        return ops.convert_to_tensor(values, keras.config.floatx())

    def images(self, key):
        return self.tensor(channels_last(self.golden[key]))

    def trainable(self, network):
        return [(v, source) for v, source in self.sources[network] if v.trainable]

    @staticmethod
    def weight_gradients(loss, variables):
        """Gradients of the scalar `loss()`."""
        return compiled(lambda: weight_gradients(loss, variables))()

    def gradients(self, network, loss):
        """Gradients of the scalar `loss()` in their layout, by their names."""
        variables, sources = zip(*self.trainable(network), strict=True)
        found = self.weight_gradients(loss, variables)
        shapes = [self.golden[f"weights/{network}/{source.key}"].shape for source in sources]
        return {s.key: in_their_layout(s, g, n) for s, g, n in zip(sources, found, shapes, strict=True)}


@pytest.fixture(params=[pytest.param("uncond", marks=SLOW_ON_JAX), "cond"])
def case(request, precision):
    return Theirs(f"stylegan2_ada_{request.param}", classes=5 if request.param == "cond" else None)


def test_styles(case):
    golden = case.golden
    z, c = golden["inputs/z"], golden["inputs/c"] if case.classes else None
    styles, mean = case.styles(z, c), case.mapping.get_layer("mean_style").mean
    found = {
        "outputs/w": styles[:, 0],
        "outputs/ws_psi0.7": truncate(styles, mean, 0.7),
        "outputs/ws_psi0.7_cutoff4": truncate(styles, mean, 0.7, 4),
    }
    golden.check(found)
    case.map(z, c, training=True)
    golden.check({"outputs/w_avg_after_update": mean})


def test_images(case):
    golden = case.golden
    z, c = golden["inputs/z"], golden["inputs/c"] if case.classes else None
    styles, mean = case.styles(z, c)[:2], case.mapping.get_layer("mean_style").mean
    with noise_mode(case.generator, "constant"):
        draw = compiled(case.synthesis)
        found = {
            "outputs/img_const": draw(styles),
            "outputs/img_psi0.7_const": draw(truncate(styles, mean, 0.7)),
            "outputs/img_psi0.7_cutoff4_const": draw(truncate(styles, mean, 0.7, 4)),
            "outputs/img_mix_w0_first3_w1_rest_const": draw(mix_styles(styles, styles[1:], 3))[:1],
        }
        inputs = [case.tensor(z[:2]), case.labels(c[:2])] if case.classes else case.tensor(z[:2])
        golden.check({"outputs/img_const": channels_first(compiled(case.generator)(inputs))})
    found["outputs/img_none"] = compiled(lambda: case.draw(styles, "none"))()
    golden.check({key: channels_first(images) for key, images in found.items()})


def test_layers(case):
    """The official layer ends with its activation."""
    golden, outputs = case.golden, {}
    for key in golden.part("outputs/layers/G/"):
        block, part = key.split(".")
        stage = int(block[1:]).bit_length() - 3
        ends = {"torgb": "colors", "img": "sum" if stage else "colors"}
        outputs[key] = case.synthesis.get_layer(f"stage{stage}_{ends.get(part, part + '_activation')}").output
    styles = case.styles(golden["inputs/z"], golden["inputs/c"] if case.classes else None)[:1]
    with noise_mode(case.generator, "constant"):
        found = compiled(keras.Model(case.synthesis.input, outputs))(styles)
    golden.check_all("outputs/layers/G/", {key: channels_first(value) for key, value in found.items()})

    network = case.discriminator
    outputs = {f"b{4 << stage}": network.get_layer(f"stage{stage}_joined").output for stage in (1, 2, 3)}
    outputs["b4.mbstd"] = network.get_layer("deviation").output
    if case.classes:
        outputs["mapping"] = network.get_layer("activation7").output
    images = case.images("inputs/images")
    found = compiled(keras.Model(network.input, outputs))(
        [images, case.labels(golden["inputs/images_c"])] if case.classes else images
    )
    golden.check_all("outputs/layers/D/", {key: channels_first(value) for key, value in found.items()})


def test_logits(case):
    golden = case.golden
    c, images = golden["inputs/images_c"] if case.classes else None, case.images("inputs/images")
    logits = compiled(lambda: (case.judge(images, c), case.judge(images[:2], None if c is None else c[:2])))()
    golden.check({"outputs/D_logits": logits[0], "outputs/D_logits_batch2": logits[1]})


def test_limited_activations(precision):
    case = Theirs("stylegan2_ada_cond", classes=5, limit=0.8)
    golden = case.golden
    styles = case.styles(golden["inputs/z"], golden["inputs/c"])[:2]
    logits = compiled(lambda: case.judge(case.images("inputs/images"), golden["inputs/images_c"]))()
    images = channels_first(compiled(lambda: case.draw(styles))())
    golden.check({"outputs/img_const_conv_clamp0.8": images, "outputs/D_logits_conv_clamp0.8": logits})


@pytest.mark.parametrize("kinds", [("resnet", "skip"), ("orig", "orig")], ids=str)
def test_architectures(kinds, precision):
    nets = f"G_{kinds[0]}", f"D_{kinds[1]}"
    case = Theirs("stylegan2_ada_archs", 16, 128, 8, kinds=kinds, nets=nets)
    images = channels_first(compiled(lambda: case.draw(case.styles(case.golden["inputs/z"])))())
    logits = compiled(lambda: case.judge(case.images("inputs/images")))()
    case.golden.check({f"outputs/{nets[0]}_img_const": images, f"outputs/{nets[1]}_logits": logits})


# The game -----------------------------------------------------------------------------------------------------------


class Game(Theirs):
    """The authors' four phases: the loss of each from its own latents and labels."""

    def __init__(self):
        super().__init__("stylegan2_ada_loss", 16, 128, 8, classes=5)
        self.path_length = float(self.golden["inputs/pl_mean_before"])
        self.loss = NonSaturating()

    def inputs(self, phase):
        return self.golden[f"inputs/z_{phase}"], self.golden[f"inputs/c_{phase}"]

    def move_mean_style(self, phase, count=4):
        z, c = self.inputs(phase)
        self.map(z[:count], c[:count], training=True)

    def fake_logits(self, phase):
        z, c = self.inputs(phase)
        return self.judge(self.draw(self.styles(z, c)), c)

    def generator_loss(self):
        return self.loss.generator(self.fake_logits("Gmain"))

    def path_styles(self):
        z, c = self.inputs("Greg")
        return self.styles(z[:2], c[:2])

    def path_loss(self):
        """2 E (length - mean)^2, and the new mean."""
        lengths = path_lengths(self.draw, self.path_styles(), self.images("inputs/pl_y"))
        penalties, moved = path_length_penalty(lengths, self.path_length, float(self.golden["inputs/pl_decay"]))
        return float(self.golden["inputs/pl_weight"]) * ops.sum(penalties) / 2, moved

    def discriminator_loss(self):
        real = self.judge(self.images("inputs/real"), self.golden["inputs/real_c"])
        return self.loss.discriminator(real, self.fake_logits("Dmain"))

    def critic(self, images):
        return self.judge(images, self.golden["inputs/real_c"])

    def real_penalty(self):
        real = self.images("inputs/real")
        return R1(float(self.golden["inputs/r1_gamma"]))(self.critic, real, real)


@pytest.fixture
def game(precision):
    return Game()


def test_losses(game):
    golden, loss = game.golden, game.loss
    found = compiled(lambda: {phase: game.fake_logits(phase) for phase in ("Gmain", "Dmain")})()
    fake = {phase: ops.convert_to_tensor(logits) for phase, logits in found.items()}
    real = ops.convert_to_tensor(compiled(lambda: game.critic(game.images("inputs/real")))())
    found = {f"outputs/{phase}/Loss/scores/fake": logits for phase, logits in fake.items()}
    found["outputs/Dmain/Loss/scores/real"] = found["outputs/Dreg/Loss/scores/real"] = real
    each = [slice(n, n + 1) for n in range(4)]
    found["outputs/Gmain/Loss/G/loss"] = [[float(loss.generator(fake["Gmain"][n]))] for n in each]
    found["outputs/Dmain/Loss/D/loss"] = [[float(loss.discriminator(real[n], fake["Dmain"][n]))] for n in each]
    golden.check(found)


def test_penalties(game):
    noise = game.images("inputs/pl_y")

    def values():
        styles = game.path_styles()
        lengths = path_lengths(game.draw, styles, noise)
        penalties, moved = path_length_penalty(lengths, game.path_length, 0.01)
        norms = squared_gradient_norms(game.critic, game.images("inputs/real"))
        return {
            "outputs/Greg/pl_grads_wrt_ws": style_slopes(game.draw, styles, noise),
            "outputs/Greg/pl_lengths": lengths,
            "outputs/Greg/pl_mean_after": moved,
            "outputs/Greg/Loss/pl_penalty": penalties,
            "outputs/Greg/Loss/G/reg": 2 * penalties,
            "outputs/Dreg/Loss/r1_penalty": norms,
            "outputs/Dreg/Loss/D/reg": 5 * norms,
        }

    game.golden.check(compiled(values)())


def test_gradients(game):
    game.golden.check_all("grads/Gmain/G/", game.gradients("G", game.generator_loss))
    game.golden.check_all("grads/Greg/G/", game.gradients("G", lambda: game.path_loss()[0]))
    game.golden.check_all("grads/Dmain/D/", game.gradients("D", game.discriminator_loss))
    game.golden.check_all("grads/Dreg/D/", game.gradients("D", game.real_penalty))


@slow_on_jax
def test_one_iteration():
    """Each player's loss and its lazy regularizer, one after the other, with one corrected Adam a player.

    In double precision only: Adam's first steps are about the sign of a gradient, however small it is.
    """
    with double_precision():
        one_iteration(Game())


def one_iteration(game):
    adam = {}
    for network, interval in (("G", 4), ("D", 16)):
        adam[network] = lazy_adam(keras.optimizers.Adam(0.0025, 0.0, 0.99), interval)
        adam[network].build([v for v, _ in game.trainable(network)])

    def update(network, loss, strength=1):
        # The authors' epsilon stands beside the corrected second moment (Kingma & Ba, algorithm 1), Keras' does not.
        steps = int(adam[network].iterations) + 1
        adam[network].epsilon = 1e-8 * math.sqrt(1 - adam[network].beta_2 ** steps)
        slopes = game.weight_gradients(lambda: strength * loss(), [v for v, _ in game.trainable(network)])
        adam[network].apply(slopes)

    game.move_mean_style("Gmain")
    update("G", game.generator_loss)
    game.move_mean_style("Greg", 2)
    moved = game.path_loss()[1]
    update("G", lambda: game.path_loss()[0], 4)
    game.path_length = float(moved)
    game.move_mean_style("Dmain")
    update("D", game.discriminator_loss)
    update("D", game.real_penalty, 16)
    game.golden.check({"outputs/after_one_iteration/pl_mean": game.path_length})
    for network in "GD":
        stored = game.golden.part(f"outputs/after_one_iteration/{network}/")
        pairs = [(variable, source) for variable, source in game.sources[network] if source.key in stored]
        found = {source.key: in_their_layout(source, v, stored[source.key].shape) for v, source in pairs}
        game.golden.check_all(f"outputs/after_one_iteration/{network}/", found)
