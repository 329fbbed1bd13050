"""ACGAN (Odena, Olah & Shlens 2017, "Conditional Image Synthesis with Auxiliary Classifier GANs")."""

import dataclasses
import math

import keras
from keras import layers, ops

from kerasgan.bases.heads import HeadedModel, cross_entropy
from kerasgan.bases.latent import LatentRecipe
from kerasgan.layers import Conv2D, LeakyReLU, normal, normalization, transposed_convolutions, with_labels


@dataclasses.dataclass(frozen=True)
class ACGANRecipe(LatentRecipe):
    """Training settings in addition to those of `kerasgan.LatentRecipe`.

    Args:
        classification: Weight of the class loss L_C relative to the source loss L_S, for both players: 1 in the paper.
        generator_classification: Weight of L_C for the generator. `None` for that of both players. L_C rewards images
            that are easy to classify, at the cost of variety within a class; a tenth of the weight is enough to make
            classes recognisable.
        classify_fakes: Whether the discriminator also learns the classes of generated images, as in the paper.
    """

    batch_size: int = 100
    classification: float = 1.0
    generator_classification: float | None = None
    classify_fakes: bool = True


@keras.saving.register_keras_serializable(package="kerasgan")
class ACGAN(HeadedModel):
    """Conditional GAN whose discriminator does not receive the class, but classifies real and generated images.

    Both players minimise L_C, the cross-entropy of the discriminator's classes (section 3, equations 2 and 3): the
    discriminator for real and generated images, the generator for its own.

    The networks and the recipe follow the paper's tables of hyper-parameters (appendix): a generator of 5x5 transposed
    convolutions, a discriminator of 3x3 convolutions with alternating strides 2 and 1 and 16, 32, 64, ... channels;
    dropout 0.5, leaky ReLU with slope 0.2, initial weights from N(0, 0.02^2). The discriminator halves the image three
    times, smaller images twice. The paper does not specify the generator's 110 inputs: here they are 100 normal latents
    and a one-hot vector of 10 classes, the number in each of the paper's models. The generator's source loss is the
    non-saturating one.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        num_classes: Number of classes.
        latent_dim: Length of the latent vectors.
        width: Channels of the discriminator's first layer, doubled in each further layer.
        generator_widths: Channels of the generator's first map and its hidden layers. `None` for 96 in the last layer,
            doubled in each earlier one up to 768: the paper's (384, 192, 96) at 32 pixels. At 128 pixels the paper has
            (768, 384, 256, 192, 64).
        dropout: Dropout rate of the discriminator's hidden layers.
        noise: Standard deviation of Gaussian noise in these layers; for CIFAR-10 the paper tried 0, 0.1 and 0.2.
        discriminator_normalization: "batch", as in the paper; "layer" or `None` for penalties on a sample's gradient.
        **kwargs: Arguments of `kerasgan.LatentModel`.

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
        self.generator_widths = None if generator_widths is None else tuple(generator_widths)
        if self.generator_widths is not None and len(self.generator_widths) != self.steps:
            raise ValueError(
                f"`generator_widths` is {self.generator_widths}; expected {self.steps} numbers for images of "
                f"{image_shape[:2]}: one for each doubling of the size."
            )
        self.width, self.dropout, self.noise = width, dropout, noise
        self.discriminator_normalization = discriminator_normalization
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        height, width, channels = self.image_shape
        first, *hidden = self.generator_widths or [min(96 << step, 768) for step in reversed(range(self.steps))]
        small = (height >> self.steps, width >> self.steps, first)
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes)
        x = layers.Dense(math.prod(small), "relu", kernel_initializer=normal(0.02))(x)
        x = transposed_convolutions(layers.Reshape(small)(x), hidden, channels, 5, keras.config.floatx())
        return keras.Model([latents, *labels], x, name="generator")

    def build_discriminator(self):
        images = x = keras.Input(self.pack_shape, name="images")
        kind = self.discriminator_normalization
        for layer in range(2 * min(self.steps, 3)):
            x = Conv2D(
                self.width << layer,
                3,
                strides=2 - layer % 2,
                padding="same",
                use_bias=layer == 0 or kind is None,
                kernel_initializer=normal(0.02),
            )(x)
            x = LeakyReLU(0.2)(x if layer == 0 else normalization(kind)(x))
            x = layers.Dropout(self.dropout)(layers.GaussianNoise(self.noise)(x))
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
        """The class loss L_C, and the accuracy as a log."""
        labels, logits = ops.cast(self.labels(batch), "int32"), self.per_sample(told["classes"])
        loss = cross_entropy(ops.one_hot(labels, self.num_classes), logits, weight)
        found = ops.cast(ops.argmax(logits, axis=-1), "int32") == labels
        return loss, ops.mean(ops.cast(found, "float32"))

    def classify(self, images):
        """Computes the discriminator's class probabilities for images.

        Args:
            images: Array of shape (count, *image_shape), in [-1, 1].

        Returns:
            A float32 array of shape (count, num_classes).
        """
        return ops.convert_to_numpy(ops.softmax(self.read_head("classes", images)))
