"""Each mistake with the data gets its own sentence; valid data passes in silence."""

import warnings

import numpy as np
import pytest

from kerasgan.data import Images, Labels, Vectors, check_batch, check_labels_vary

IMAGES = Images((8, 8, 1))
LABELS = Labels(10)


def images(low=-1.0, high=1.0, shape=(4, 8, 8, 1), dtype="float32"):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(dtype)


def with_value(value, array):
    array = array.copy()
    array.flat[3] = value
    return array


@pytest.mark.parametrize("spec", [IMAGES, Images([4, 6, 3]), Vectors(2), LABELS, Labels(1)])
def test_examples_are_valid_and_match_the_symbolic_input(spec):
    example = spec.example(5, seed=0)
    symbolic = spec.symbolic(5)
    assert example.shape == tuple(symbolic.shape)
    assert example.dtype.name == symbolic.dtype
    assert spec.symbolic().shape[0] is None
    np.testing.assert_array_equal(example, spec.example(5, seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spec.check(example)


def test_examples_depend_on_the_seed():
    assert (IMAGES.example(2, seed=0) != IMAGES.example(2, seed=1)).any()
    assert set(LABELS.example(500, seed=0)) == set(range(10))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floating_types_pass(dtype):
    IMAGES.check(images(dtype=dtype))


def test_bfloat16_passes():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    IMAGES.check(images().astype(bfloat16))
    with pytest.raises(ValueError, match="NaN"):
        IMAGES.check(with_value(np.nan, images()).astype(bfloat16))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (images(0, 255, dtype="uint8"), r"photos has dtype uint8.*prepare\(photos\)"),
        (np.array(["a.png"]), r"dtype <U5.*expected float images"),
        (images(shape=(4, 8, 8)), r"one axis too few.*prepare"),
        (images(shape=(4, 64)), r"rank 2 \(shape \(4, 64\)\)"),
        (images(shape=(4, 8, 8, 3)), r"\(4, 8, 8, 3\).*\(batch, 8, 8, 1\).*channels=3"),
        (images(shape=(4, 1, 8, 8)), r"np.moveaxis\(photos, 1, -1\)"),
        (images(shape=(4, 16, 16, 1)), r"prepare\(photos, image_size=8\)"),
        (images(shape=(0, 8, 8, 1)), r"empty"),
        (with_value(np.nan, images()), r"1 NaN or infinite"),
        (with_value(np.inf, images()), r"1 NaN or infinite"),
        (images(0, 255), r"values from 0 to 255;.*\[-1, 1\].*value_range"),
        (images(-3, 3), r"values from -3 to 3;"),
    ],
)
def test_wrong_images_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        IMAGES.check(value, "photos")


def test_images_that_never_go_below_zero_are_warned_about():
    with pytest.warns(UserWarning, match="never go below 0.*value_range=\\(0, 1\\)"):
        IMAGES.check(images(0, 1))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((4, 2), int), r"dtype int64.*astype\('float32'\)"),
        (np.ones(4), r"rank 1"),
        (np.ones((4, 3)), r"\(4, 3\).*\(batch, 2\)"),
        (np.ones((0, 2)), r"empty"),
        (np.array([[1.0, np.nan]]), r"NaN"),
    ],
)
def test_wrong_vectors_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        Vectors(2).check(value)


def test_vectors_may_have_any_range():
    Vectors(2).check(np.array([[-1e6, 300.0]]))


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [(10,), (10, 1)])
def test_integer_labels_pass(dtype, shape):
    LABELS.check(np.arange(10).astype(dtype).reshape(shape))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.eye(10), r"one-hot.*np.argmax\(classes, axis=-1\)"),
        (np.zeros((4, 2), int), r"shape \(4, 2\)"),
        (np.int64(3), r"shape \(\)"),
        (np.arange(4.0), r"dtype float64.*astype\('int32'\)"),
        (np.array([True, False]), r"dtype bool"),
        (np.zeros((0,), int), r"empty"),
        (np.arange(1, 11), r"labels from 1 to 10;.*from 0 to 9"),
        (np.array([-1, 2]), r"labels from -1 to 2;"),
    ],
)
def test_wrong_labels_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        LABELS.check(value, "classes")


def test_a_batch_must_have_what_the_model_takes():
    x, y = IMAGES.example(4, 0), LABELS.example(4, 0)
    check_batch(IMAGES, None, x)
    check_batch(IMAGES, LABELS, x, y)
    check_batch(IMAGES, Images((4, 4, 3)), x, Images((4, 4, 3)).example(4, 0))
    with pytest.raises(ValueError, match=r"unconditional.*labels=False"):
        check_batch(IMAGES, None, x, y)
    with pytest.raises(ValueError, match=r"y is missing.*Labels\(num_classes=10\)"):
        check_batch(IMAGES, LABELS, x)
    with pytest.raises(ValueError, match="4 examples and y has 3"):
        check_batch(IMAGES, LABELS, x, y[:3])
    with pytest.raises(ValueError, match="x is None"):
        check_batch(IMAGES, None, None)
    with pytest.raises(ValueError, match="y has labels from"):
        check_batch(IMAGES, LABELS, x, y + 10)


def test_labels_of_one_class_are_refused_where_that_is_no_accident():
    with pytest.raises(ValueError, match="all 32 labels are 7"):
        check_labels_vary(np.full((32, 1), 7), num_classes=10)
    check_labels_vary(np.array([7] * 31 + [6]), num_classes=10)
    check_labels_vary(np.full(3, 7), num_classes=10)
    check_labels_vary(np.zeros(100, int), num_classes=1)


@pytest.mark.parametrize(
    ("spec", "argument"),
    [(Images, (8, 8)), (Images, (8, 8, 0)), (Images, (8, 8, 1.5)), (Vectors, 0), (Labels, 2.0)],
)
def test_impossible_specs_are_refused(spec, argument):
    with pytest.raises(ValueError, match="positive integer"):
        spec(argument)
