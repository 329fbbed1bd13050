"""What every test starts from: a quiet engine, two CPU devices, known seeds and default dtypes."""

import gc
import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import random
import sys

import numpy as np
import pytest

# The process that hands the tests to others (`-n 2`) starts them sooner without an engine, which it has no use for.
HANDS_OUT = "PYTEST_XDIST_WORKER" not in os.environ and "-n" in sys.argv[:-1]
HANDS_OUT = HANDS_OUT and sys.argv[sys.argv.index("-n") + 1] != "0"
ON_TENSORFLOW = ON_JAX = False
if not HANDS_OUT:
    import keras

    ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
    ON_JAX = keras.backend.backend() == "jax"

if ON_TENSORFLOW:
    import tensorflow as tf

    # MirroredStrategy needs two devices, and they cannot be made once TensorFlow has started.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration(), tf.config.LogicalDeviceConfiguration()],
    )
    # Graphs of tiny models are played a few times each: rewriting them first takes a sixth of a family's tests. Those
    # of the tests that start processes of their own (command line, README, exports) are rewritten as users' are.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


# Tests that are the same on every engine: once, on TensorFlow, is enough.
ONCE_CHECKS = ("round_trips_its_configuration", "refuses_bad_data")
ONCE_FILES = tuple(
    f"test_{name}.py"
    for name in (
        *("settings", "sensitivity", "tuning", "fetch", "presets", "imports", "health_rules", "images", "files"),
        *("modes2d", "stacked_digits", "digits_benchmark", "readme", "docs", "color"),
    )
)
ONCE_FOLDERS = ("data", "metrics")
KNOW_THE_ENGINE = ("test_load.py", "test_specs.py", "test_prepare.py", "test_path_length.py", "test_features.py")
# Tests whose losses, networks and commands TensorFlow has just been through: on another engine, slow. What differs
# there is the engine, and that trains every family's first line, passes DCGAN's other checks, and makes one run.
ONE_RUN = "test_what_a_run_leaves"
SLOW_FILES = tuple(
    f"test_{name}.py"
    for name in (
        *("cli", "checks", "latent_space", "pickled_networks", "torch_files", "latents", "tiles", "probe", "translate"),
        *("captions_cli", "tokens_cli", "augment", "biggan", "stylegan2", "r3gan", "mimicry", "super_resolution"),
        *("fastgan", "quickstart", "play", "held_out"),
    )
)
SLOW_ON_OTHERS = (
    "biggan",
    "bigbigan",
    "cut",
    "esrgan",
    "fastgan",
    "progan",
    "relgan",
    "sagan",
    "simgan",
    "sngan",
    "stackgan",
    "stylegan",
    "stylegan2",
    "stylegan3",
    "text_to_image",
    "wgan",
)
BOTH_CHECKS = ("trains",)
# Families whose smallest networks take seconds to build, compile or differentiate, and the harness' own games.
LARGE = (*SLOW_ON_OTHERS, "miniatures")
LARGE_CHECKS = ("trains", "refuses_bad_data")
# Golden numbers of large networks, in double precision in `make test` and in single precision too in `make test-all`.
GOLDEN_TWICE = tuple(
    f"test_{name}.py" for name in ("biggan", "cyclegan", "mimicry", "stylegan2", "stylegan3", "progan", "r3gan")
)
GOLDEN_OF_64 = "biggan_64_mybn"


def check_of(item):
    """Name of the harness' check that a test is, or None."""
    check = getattr(item, "callspec", None) and item.callspec.params.get("check")
    return getattr(check, "__name__", None)


def is_once(item):
    if item.path.parent.name in ONCE_FOLDERS:
        return item.path.name not in KNOW_THE_ENGINE
    return item.path.name in ONCE_FILES or check_of(item) in ONCE_CHECKS


def is_first_line(item):
    """Whether it plays the first game that a family's tests state."""
    return item.originalname in (item.path.stem, "test_gmmn_ae")


def is_variant(item):
    return item.path.parent.name == "models" and not item.name.startswith("test_dcgan[") and not is_first_line(item)


def is_repetition(item):
    if item.path.parent.name != "models" and item.path.name in SLOW_FILES:
        return item.originalname != ONE_RUN
    if item.path.stem.removeprefix("test_") in SLOW_ON_OTHERS:
        return True
    if item.path.name == "test_miniatures.py":
        return check_of(item) not in (None, *BOTH_CHECKS)
    if item.path.parent.name != "models" or item.name.startswith("test_dcgan["):
        return False
    return not is_first_line(item) or check_of(item) not in BOTH_CHECKS


def pytest_configure(config):
    # Discards what TensorFlow said while it was imported: no setting keeps it quiet, and pytest
    # would print it below its closing lines.
    config.pluginmanager.getplugin("capturemanager").read_global_capture()


@pytest.hookimpl(tryfirst=True)  # before what is slow is taken out
def pytest_collection_modifyitems(items):
    if ON_TENSORFLOW:
        for item in items:  # a family's further games train as its first one does; equal in float64 is nearly all
            repeats = check_of(item) in BOTH_CHECKS and is_variant(item)
            twice = item.path.name in GOLDEN_TWICE and "float32" in item.name
            large = item.path.stem.removeprefix("test_") in LARGE and check_of(item) not in (None, *LARGE_CHECKS)
            if repeats or twice or large or GOLDEN_OF_64 in item.name:
                item.add_marker(pytest.mark.slow)
        return
    needs = pytest.mark.skip(reason=f"needs TensorFlow; KERAS_BACKEND is {keras.backend.backend()}")
    once = pytest.mark.skip(reason="knows nothing of the engine: once, on TensorFlow, is enough")
    for item in items:
        if item.get_closest_marker("tensorflow"):
            item.add_marker(needs)
        elif is_once(item):
            item.add_marker(once)
        elif is_repetition(item):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def known_start():
    """The same seeds before each test, and the default dtypes again after it."""
    floatx = keras.config.floatx()
    dtype_policy = keras.config.dtype_policy()
    if ON_TENSORFLOW:
        keras.utils.set_random_seed(0)
    else:
        # keras.utils.set_random_seed would import TensorFlow here.
        keras.utils.clear_session(free_memory=False)
        random.seed(0)
        np.random.seed(0)
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(dtype_policy)


@pytest.fixture(autouse=True, scope="module")
def out_of_the_collectors_way():
    """What a module leaves, such as compiled models, is not looked through for garbage again."""
    yield
    if "kerasgan.testing.case" in sys.modules:
        sys.modules["kerasgan.testing.case"].forget_all()
    if ON_JAX:
        sys.modules["jax"].clear_caches()
    gc.collect()
    gc.freeze()


@pytest.fixture
def float64():
    """Double precision for layers, variables and, on JAX, for JAX itself."""
    if ON_JAX:
        import jax

        jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    if ON_JAX:
        jax.config.update("jax_enable_x64", False)
