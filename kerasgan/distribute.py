"""Training on several devices and machines: `strategy` returns the scope in which to build and compile a model.

    with kerasgan.distribute.strategy("auto").scope():
        model = kerasgan.DCGAN(...)
        model.compile()
    model.fit(images, batch_size=256)  # over all replicas

The batch size is always the global batch size of a step over all replicas. A model on n replicas takes the same steps
as a model on a single device with the same batch size.
"""

import contextlib
import json
import os

import keras

NAMES = ("auto", "none", "mirrored", "multi_worker", "tpu")


def strategy(name="auto", devices=None):
    """Returns the distribution strategy in whose scope a model is built and compiled, for the active engine.

    On TensorFlow this is a `tf.distribute` strategy. On JAX it is a `keras.distribution.DataParallel`, which is also
    set as the distribution of the process. Both have a `scope()`.

    Args:
        name: `"mirrored"` for all GPUs of this machine, or for `devices` logical CPUs to try it out; `"multi_worker"`
            for the machines in the environment variable TF_CONFIG (on JAX, those of `keras.distribution.initialize`);
            `"tpu"` for the TPU of the environment; `"none"` for one device; `"auto"` for the first of multi_worker, tpu
            and mirrored that the machine is set up for, otherwise none.
        devices: Number of devices for `"mirrored"`. Defaults to all. Logical CPUs can be created only before the engine
            has run any computation.

    Raises:
        ValueError: If the strategy is unknown or not available. The message gives the reason.
    """
    if name in ("parameter_server", "ParameterServerStrategy"):
        raise ValueError(
            "Parameter servers are not supported: the players' updates would be asynchronous, and Keras 3 does not "
            "support them. Use 'multi_worker'."
        )
    if name not in NAMES:
        raise ValueError(f"There is no strategy {name!r}. Strategies: {', '.join(NAMES)}.")
    if devices is not None and name != "mirrored":
        raise ValueError(f"devices={devices} is an argument of the strategy 'mirrored', not of {name!r}.")
    if keras.backend.backend() == "jax":
        return _on_jax(name, devices)
    return _on_tensorflow(name, devices)


def check_batch_size(batch_size, replicas):
    """Raises an error if replicas cannot share a batch equally.

    Raises:
        ValueError: If `batch_size` is not a multiple of `replicas`. The message suggests the next sizes below and
            above.
    """
    if batch_size % replicas:
        less = batch_size - batch_size % replicas
        raise ValueError(
            f"batch_size={batch_size} cannot be shared equally by {replicas} replicas, because it is the global batch "
            f"size over all replicas. Use {' or '.join(str(n) for n in (less, less + replicas) if n)}."
        )


def is_chief():
    """Returns whether this process is, according to the environment, the chief, which writes files."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.process_index() == 0
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    return task.get("type", "chief") == "chief" or ("chief" not in _cluster() and task.get("index") == 0)


def _cluster():
    """Returns the jobs of TF_CONFIG, {name: [address, ...]}."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        return json.loads(text).get("cluster", {}) if text else {}
    except ValueError as error:
        raise ValueError(f"TF_CONFIG is not valid JSON: {error}. See docs/scaling.md.") from error


# TensorFlow -----------------------------------------------------------------------------------------------------------


def _on_tensorflow(name, devices):
    import tensorflow as tf

    if name == "auto":
        name = _automatic(tf)
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "multi_worker":
        return _multi_worker(tf)
    if name == "tpu":
        return _tpu(tf)
    return tf.distribute.MirroredStrategy(_devices(tf, devices))


def _automatic(tf):
    cluster = _cluster()
    if sum(map(len, cluster.values())) > 1:
        return "multi_worker"
    if os.environ.get("TPU_NAME") or tf.config.list_physical_devices("TPU"):
        return "tpu"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "none"


def _devices(tf, count):
    """Returns the names of the devices to mirror on."""
    gpus = tf.config.list_logical_devices("GPU") if tf.config.list_physical_devices("GPU") else []
    if gpus:
        if count is not None and count > len(gpus):
            raise ValueError(f"devices={count}, but this machine has {len(gpus)} GPUs.")
        return [device.name for device in gpus[:count]]
    if count is None:
        raise ValueError(
            "There is no GPU to mirror on. Pass devices=2 (--devices 2) to try it on logical CPUs, or use 'none'."
        )
    (cpu,) = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):  # TensorFlow has started, and its devices cannot change
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    cpus = tf.config.list_logical_devices("CPU")
    if len(cpus) < count:
        raise ValueError(
            f"devices={count}, but TensorFlow has already started with {len(cpus)} logical CPU. "
            "Call kerasgan.distribute.strategy before any computation."
        )
    return [device.name for device in cpus[:count]]


def _multi_worker(tf):
    cluster = _cluster()
    if sum(map(len, cluster.values())) < 2:
        raise ValueError(
            "The strategy 'multi_worker' needs TF_CONFIG with the addresses of at least two workers (see "
            "docs/scaling.md). `kerasgan launch --workers 2 -- train ...` sets it on this machine."
        )
    if "ps" in cluster:
        raise ValueError("TF_CONFIG contains parameter servers ('ps'); expected 'worker' (and 'chief') only.")
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu(tf):
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"No TPU was found: {str(error).splitlines()[0]}. Set TPU_NAME, or use another strategy."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


# JAX ------------------------------------------------------------------------------------------------------------------


class _OneDevice:
    """No distribution on JAX."""

    def scope(self):
        return contextlib.nullcontext()


def _on_jax(name, devices):
    if name == "multi_worker":
        keras.distribution.initialize()  # reads the KERAS_DISTRIBUTION_... variables
    found = keras.distribution.list_devices()
    if name == "tpu" and not any("tpu" in device for device in found):
        raise ValueError(f"No TPU was found: JAX has {', '.join(found)}.")
    if name == "none" or (name == "auto" and len(found) == 1):
        return _OneDevice()
    if devices is not None and devices > len(found):
        raise ValueError(
            f"devices={devices}, but JAX has {len(found)} devices. To use logical CPUs, start the process with "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices}."
        )
    distribution = keras.distribution.DataParallel(devices=found[:devices])
    keras.distribution.set_distribution(distribution)
    return distribution
