"""Training on several devices and machines: one function that gives what to build and compile a model in.

    with kerasgan.distribute.strategy("auto").scope():
        model = kerasgan.DCGAN(...)
        model.compile()
    model.fit(images, batch_size=256)  # over all replicas

The batch size is always that of one step over all replicas, and a model on n replicas takes the steps of one on a
single device with the same batch.
"""

import contextlib
import json
import os

import keras

NAMES = ("auto", "none", "mirrored", "multi_worker", "tpu")


def strategy(name="auto", devices=None):
    """What to build and compile a model in, on the active engine.

    On TensorFlow this is a `tf.distribute` strategy; on JAX a `keras.distribution.DataParallel`, which is also made the
    process' distribution. Both have a `scope()`.

    Args:
        name: `"mirrored"`: all GPUs of this machine, or `devices` logical CPUs to try it out; `"multi_worker"`: the
            machines of the environment variable TF_CONFIG (on JAX: those of `keras.distribution.initialize`); `"tpu"`:
            the TPU of the environment; `"none"`: one device; `"auto"`: the first of multi_worker, tpu and mirrored
            that the machine is set up for, else none.
        devices: number of devices for `"mirrored"`; by default all. Logical CPUs can only be made before the engine
            has run anything.

    Raises:
        ValueError: for what does not exist or cannot work, with the reason.
    """
    if name in ("parameter_server", "ParameterServerStrategy"):
        raise ValueError(
            "A parameter server does not work here: the players' updates would be asynchronous, and Keras 3 does not "
            "support it. Use 'multi_worker'."
        )
    if name not in NAMES:
        raise ValueError(f"There is no strategy {name!r}. Strategies: {', '.join(NAMES)}.")
    if devices is not None and name != "mirrored":
        raise ValueError(f"devices={devices} belongs to the strategy 'mirrored', not to {name!r}.")
    if keras.backend.backend() == "jax":
        return _on_jax(name, devices)
    return _on_tensorflow(name, devices)


def check_batch_size(batch_size, replicas):
    """Refuses a batch that replicas cannot share equally.

    Raises:
        ValueError: with the sizes below and above that they can.
    """
    if batch_size % replicas:
        less = batch_size - batch_size % replicas
        raise ValueError(
            f"A batch of {batch_size} cannot be shared equally by {replicas} replicas: batch_size counts the images of "
            f"a step over all replicas. Take {' or '.join(str(n) for n in (less, less + replicas) if n)}."
        )


def is_chief():
    """Whether this process is the one that writes, by what the environment says, before there is a model."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.process_index() == 0
    task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
    return task.get("type", "chief") == "chief" or ("chief" not in _cluster() and task.get("index") == 0)


def _cluster():
    """The jobs of TF_CONFIG: {name: [address, ...]}."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        return json.loads(text).get("cluster", {}) if text else {}
    except ValueError as error:
        raise ValueError(f"TF_CONFIG is no JSON: {error}. See docs/scaling.md.") from error


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
    """Names of the devices to mirror on."""
    gpus = tf.config.list_logical_devices("GPU") if tf.config.list_physical_devices("GPU") else []
    if gpus:
        if count is not None and count > len(gpus):
            raise ValueError(f"devices is {count}, but this machine has {len(gpus)} GPUs.")
        return [device.name for device in gpus[:count]]
    if count is None:
        raise ValueError(
            "There is no GPU to mirror on. Pass devices=2 (--devices 2) to try it on logical CPUs, or use 'none'."
        )
    (cpu,) = tf.config.list_physical_devices("CPU")
    with contextlib.suppress(RuntimeError):  # TensorFlow has started: then those that there are must do
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    cpus = tf.config.list_logical_devices("CPU")
    if len(cpus) < count:
        raise ValueError(
            f"devices is {count}, but TensorFlow has already started with {len(cpus)} logical CPU. "
            "Call kerasgan.distribute.strategy before anything else is computed."
        )
    return [device.name for device in cpus[:count]]


def _multi_worker(tf):
    cluster = _cluster()
    if sum(map(len, cluster.values())) < 2:
        raise ValueError(
            "The strategy 'multi_worker' needs TF_CONFIG with the addresses of two workers or more: docs/scaling.md "
            "shows it; `kerasgan launch --workers 2 -- train ...` sets it for this machine."
        )
    if "ps" in cluster:
        raise ValueError("TF_CONFIG names parameter servers ('ps'); expected 'worker' (and 'chief') only.")
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu(tf):
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"No TPU was found: {str(error).splitlines()[0]}. Set TPU_NAME, or use another one."
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
            f"devices is {devices}, but JAX has {len(found)}. To try it out on logical CPUs, start the process with "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices}."
        )
    distribution = keras.distribution.DataParallel(devices=found[:devices])
    keras.distribution.set_distribution(distribution)
    return distribution
