"""BigGAN and BigGAN-deep against the authors' code (github.com/ajbrock/BigGAN-PyTorch at 9845943).

At 32 pixels that code puts attention behind each block of the discriminator, as it takes all of their maps to be 16 x
16. Its batch normalization keeps the unbiased variance but in the file `biggan_64_mybn`.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.layers import standing_statistics
from kerasgan.models import biggan
from kerasgan.objectives import losses
from kerasgan.objectives.orthogonal import orthogonal_regularization
from kerasgan.zoo.convert import assign
from kerasgan.zoo.official import DERIVED
from tests.golden.networks import ON_JAX, call, check_gradients, check_state, evaluated, gradients_of
from tests.golden.reader import Golden, array, channels_first, channels_last

SLOW = [pytest.mark.slow] if ON_JAX else []  # where each operation is compiled by itself
FILES = (
    "biggan_32",
    pytest.param("biggan_64_mybn", marks=SLOW),
    pytest.param("biggan_deep_32", marks=SLOW),
)
SIZES = {
    "biggan_32": (32, {"width": 4, "attention": (1,)}, {"width": 4, "attention": (0, 1, 2, 3)}),
    "biggan_64_mybn": (64, {"width": 2, "attention": (2,)}, {"width": 2, "attention": (2,)}),
    "biggan_deep_32": (32, {"width": 4, "attention": (1,)}, {"width": 4, "attention": (0, 1, 2)}),
}
CLASSES = 5


class Theirs:
    """Networks of ours with the weights of a file, and what it feeds in."""

    def __init__(self, file):
        self.golden = golden = Golden(file)
        size, generator, discriminator = SIZES[file]
        build, judge = biggan.biggan_generator, biggan.biggan_discriminator
        if "deep" in file:
            build, judge = biggan.biggan_deep_generator, biggan.biggan_deep_discriminator
        labels = [keras.Input((), dtype="int32", name="labels")]
        embedding = golden["weights/G/shared.weight"].shape[1]
        self.G = build(size, golden["inputs/z"].shape[1], labels, CLASSES, embedding=embedding, **generator)
        self.D = judge(size, labels, CLASSES, **discriminator)
        for name in "GD":
            weights = golden.part(f"weights/{name}/")
            assign(biggan.official_pairs(getattr(self, name), weights), weights, DERIVED)
        self.latents = self.tensor(golden["inputs/z"])
        self.real = self.tensor(channels_last(golden["inputs/x"]))
        self.y, self.dy = (ops.convert_to_tensor(golden[f"inputs/{name}"]) for name in ("y", "dy"))

    @staticmethod
    def tensor(values):
        return ops.convert_to_tensor(values, keras.config.floatx())

    def generate(self, training=True):
        return call(self.G, [self.latents, self.y], training)

    def check_gradients(self, step, network, fn):
        check_gradients(self.golden, f"grads/{step}/{network}/", biggan.official_pairs, getattr(self, network), fn)


def counts_of(file, batch):
    """Over how many values each batch normalization takes its variance, at 32 pixels."""
    deep = "deep" in file
    sizes = {}
    for stage, before in enumerate((4, 8, 16)):
        block = f"blocks.{stage}.0.bn" if not deep else f"blocks.{2 * stage + 1}.0.bn"
        sizes |= {f"{block}{n}.": before if n <= (2 if deep else 1) else 2 * before for n in range(1, 5)}
        if deep:
            sizes |= {f"blocks.{2 * stage}.0.bn{n}.": before for n in range(1, 5)}
    return {name: batch * size**2 for name, size in {**sizes, "output_layer.0.": 32}.items()}


def image_key(golden, kind):
    return next(key for key in golden.values if key.startswith(f"outputs/{kind}/img") and "interp" not in key)


@pytest.mark.parametrize("file", FILES)
def test_called_without_training(file, precision):
    theirs = Theirs(file)
    mixed = 0.5 * ops.sum(
        ops.take(theirs.G.get_layer("label_embedding").embeddings, theirs.y[:: len(theirs.y) - 1], 0), 0
    )
    mixture = biggan.of_embedding(theirs.G)([theirs.latents[:1], mixed[None]], training=False)
    theirs.golden.check(
        {
            image_key(theirs.golden, "eval"): channels_first(theirs.generate(False)),
            "outputs/eval/D_x": call(theirs.D, [theirs.real, theirs.dy], False),
            "outputs/eval/img_interpolated_class": channels_first(mixture),
        }
    )


@pytest.mark.parametrize("file", FILES)
def test_called_in_training(file, precision):
    theirs = Theirs(file)
    images, logits = theirs.generate(), call(theirs.D, [theirs.real, theirs.dy], True)
    theirs.golden.check({image_key(theirs.golden, "train"): channels_first(images), "outputs/train/D_x": logits})
    counts = None if file == "biggan_64_mybn" else counts_of(file, len(images))
    check_state(theirs.golden, "outputs/train/G_after/", biggan.official_pairs, theirs.G, "weights/G/", counts)
    check_state(theirs.golden, "outputs/train/D_after/", biggan.official_pairs, theirs.D)


@pytest.mark.parametrize("file", FILES)
def test_steps(file, precision):
    if (file, precision) == ("biggan_32", "float32"):
        pytest.skip("one ReLU of the discriminator is so near its kink that single precision decides otherwise")
    theirs, hinge = Theirs(file), losses.Hinge()
    both = ops.concatenate([theirs.generate(), theirs.real]), ops.concatenate([theirs.y, theirs.dy])
    theirs = Theirs(file)

    def discriminator_loss():
        fake, real = ops.split(theirs.D(both, training=True), 2)
        return hinge.discriminator(real, fake)

    theirs.check_gradients("D_step", "D", discriminator_loss)
    theirs = Theirs(file)

    def generator_loss():
        return hinge.generator(theirs.D([theirs.G([theirs.latents, theirs.y], training=True), theirs.y], training=True))

    theirs.check_gradients("G_step", "G", generator_loss)
    theirs = Theirs(file)
    theirs.golden.check({"outputs/G_step/loss": evaluated(generator_loss)})
    theirs = Theirs(file)
    stored = {name: float(theirs.golden[f"outputs/D_step/loss_{name}"]) for name in ("real", "fake")}
    np.testing.assert_allclose(array(evaluated(discriminator_loss)), sum(stored.values()), rtol=1e-4)


@pytest.mark.parametrize("file", FILES)
def test_orthogonal_regularization(file, precision):
    theirs = Theirs(file)
    theirs.golden.largest_gradient = 0.0  # of a term of its own
    for name in "GD":
        prefix, network = f"grads/ortho_1e-4/{name}/", getattr(theirs, name)
        stored = theirs.golden.part(prefix)
        known = biggan.official_pairs(network, stored)
        assert len(known) == len(stored) == 3
        found = gradients_of(lambda network=network: orthogonal_regularization(network, 1e-4), [v for v, _ in known])
        for (_, source), gradient in zip(known, found, strict=True):
            limit = theirs.golden.tolerance(prefix + source.key)
            np.testing.assert_allclose(array(gradient), source(stored), rtol=0, atol=limit, err_msg=source.key)


@pytest.mark.parametrize("file", FILES[1:2])
def test_standing_statistics(file, precision):
    theirs = Theirs(file)
    batches = [[theirs.tensor(theirs.golden[f"inputs/standing/z{i}"]), theirs.y] for i in range(3)]
    standing_statistics(theirs.G, iter(batches))
    theirs.golden.check({"outputs/standing/img[:1]": channels_first(theirs.generate(training=False))})
    prefix = "outputs/standing/G_after/"
    stored = theirs.golden.part(prefix)  # there are sums, and in the counter how many
    for variable, source in biggan.official_pairs(theirs.G, stored):
        np.testing.assert_allclose(3.0 * array(variable), source(stored), rtol=1e-3 if precision == "float32" else 1e-9)
    with pytest.raises(ValueError, match="`batches` is empty"):
        standing_statistics(theirs.G, [])
