"""ACGAN (Odena, Olah & Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs")."""

import dataclasses
import math

import keras
from keras import layers, ops

from kerasgan.bases.heads import HeadedModel, cross_entropy
from kerasgan.bases.latent import LatentRecipe
from kerasgan.layers import normal, normalization, transposed_convolutions, with_labels


@dataclasses.dataclass(frozen=True)
class ACGANRecipe(LatentRecipe):
    """As `kerasgan.LatentRecipe`, and

    Args:
        classification: weight of the class loss L_C against the source loss L_S, for both players; the paper's is 1.
        generator_classification: that of the generator, if it is another one. L_C rewards images that are easily told
            and so costs variety within a class; a tenth is enough to be told at all.
        classify_fakes: whether the discriminator learns the classes of generated images too, as in the paper.
    """

    batch_size: int = 100
    classification: float = 1.0
    generator_classification: float | None = None
    classify_fakes: bool = True


@keras.saving.register_keras_serializable(package="kerasgan")
class ACGAN(HeadedModel):
    """Conditional GAN whose discriminator is not told the class, but tells it, of real and of generated images.

    Both players minimise L_C, the cross-entropy of the class that the discriminator finds (sections 3, equations 2
    and 3), the discriminator on real and generated images, the generator on its own.

    Followed are the paper's tables of hyper-parameters (appendix): a generator of 5x5 transposed convolutions, a
    discriminator of 3x3 convolutions whose strides are 2 and 1 in turn, and channels 16, 32, 64, ...; dropout .5, leaky
    ReLU .2, weights from N(0, .02^2), Adam 2e-4 with beta_1 .5, batches of 100. Of the discriminator all images pass
    three halvings there; smaller ones pass two. The generator's 110 inputs are taken as 100 normal latents and the
    one-hot vector of the 10 classes that each of the paper's models has: the text leaves it open. The generator's
    source loss is the non-saturating one.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4.
        num_classes: number of classes.
        latent_dim: length of the latent vectors.
        width: channels of the discriminator's first layer; each further one doubles them.
        generator_widths: channels of the generator's first map and its hidden layers; None: doubled from the last one's
            96 backwards, at most 768, which is the paper's (384, 192, 96) at 32 pixels. At 128 pixels the paper has
            (768, 384, 256, 192, 64).
        dropout: share of the discriminator's hidden activations that is dropped.
        noise: standard deviation of Gaussian noise on them; for CIFAR-10 the paper tried 0, .1 and .2.
        discriminator_normalization: "batch" as in the paper; "layer" or None for penalties on a sample's gradient.
        **kwargs: as for `kerasgan.LatentModel`.

    Examples:

    >>> model = ACGAN(image_shape=(8, 8, 1), num_classes=10)
    >>> model.compile()
    >>> model.fit(images, labels, epochs=100)
    >>> sevens = model.sample(16, labels=[7] * 16)
    """

    recipe = ACGANRecipe()
    heads = ("classes",)

    def __init__(
        self,
        image_shape,
        num_classes,
        latent_dim=100,
        width=16,
        generator_widths=None,
        dropout=0.5,
        noise=0.0,
        discriminator_normalization="batch",
        **kwargs,
    ):
        self.steps = self.halvings(image_shape)
        widths = generator_widths or [min(96 << step, 768) for step in reversed(range(self.steps))]
        if len(widths) != self.steps:
            raise ValueError(
                f"generator_widths is {tuple(widths)}, expected {self.steps} numbers for images of {image_shape[:2]}: "
                "one for each doubling of the size."
            )
        self.sizes = {"width": width, "generator_widths": tuple(widths), "dropout": dropout, "noise": noise}
        self.sizes["discriminator_normalization"] = discriminator_normalization
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        height, width, channels = self.image_shape
        first, *hidden = self.sizes["generator_widths"]
        small = (height >> self.steps, width >> self.steps, first)
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes)
        x = layers.Dense(math.prod(small), "relu", kernel_initializer=normal(0.02))(x)
        x = transposed_convolutions(layers.Reshape(small)(x), hidden, channels, 5, keras.config.floatx())
        return keras.Model([latents, *labels], x, name="generator")

    def build_discriminator(self):
        images = x = keras.Input(self.pack_shape, name="images")
        kind = self.sizes["discriminator_normalization"]
        for layer in range(2 * min(self.steps, 3)):
            x = layers.Conv2D(
                self.sizes["width"] << layer,
                3,
                strides=2 - layer % 2,
                padding="same",
                use_bias=layer == 0 or kind is None,
                kernel_initializer=normal(0.02),
            )(x)
            x = layers.LeakyReLU(0.2)(x if layer == 0 else normalization(kind)(x))
            x = layers.Dropout(self.sizes["dropout"])(layers.GaussianNoise(self.sizes["noise"])(x))
        x = layers.Flatten()(x)
        outputs = {
            name: layers.Dense(size, kernel_initializer=normal(0.02), name=name)(x)
            for name, size in (("logits", 1), ("classes", self.packing * self.num_classes))
        }
        return keras.Model(images, outputs, name="discriminator")

    @property
    def fake_head_weights(self):
        weight, of_generator = self.recipe.classification, self.recipe.generator_classification
        return weight * self.recipe.classify_fakes, weight if of_generator is None else of_generator

    def real_head_loss(self, batch):
        loss, accuracy = self._classification(batch, self.told_of_real(batch), batch.sample_weight)
        return self.recipe.classification * loss, {"real_class_accuracy": accuracy}

    def fake_head_loss(self, batch):
        loss, accuracy = self._classification(batch, self.told_of_fake(batch), batch.sample_weight)
        return loss, {"fake_class_accuracy": accuracy}

    def _classification(self, batch, told, weight=None):
        """The class loss L_C, and the share of classes found."""
        labels, logits = ops.cast(self.labels(batch), "int32"), self.per_sample(told["classes"])
        loss = cross_entropy(ops.one_hot(labels, self.num_classes), logits, weight)
        found = ops.cast(ops.argmax(logits, axis=-1), "int32") == labels
        return loss, ops.mean(ops.cast(found, "float32"))

    def classify(self, images):
        """Probabilities of the classes of images, as the discriminator sees them.

        Args:
            images: shape (count, *image_shape), in [-1, 1].

        Returns:
            float32 array of shape (count, num_classes).
        """
        return ops.convert_to_numpy(ops.softmax(self.read_head("classes", images)))

    def get_config(self):
        return {**super().get_config(), **self.sizes}
