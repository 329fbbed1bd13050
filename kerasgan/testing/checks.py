"""The checks. Each takes a `FamilyCase` and raises AssertionError, or SkipTest if it is not supported here."""

import dataclasses
import fnmatch
import importlib.util
import inspect
import json
import os
import tempfile
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.callbacks import Checkpoint, CorruptCheckpoint, latest_checkpoint, restore_checkpoint
from kerasgan.callbacks.checkpoint import read_checkpoint
from kerasgan.data.kinds import Kind
from kerasgan.game.randomness import is_seed_state
from kerasgan.testing.case import EAGERLY, RATE, mirrored_strategy, other_engine, train_scripted
from kerasgan.testing.mistakes import OneBatch, mistakes, refusal
from kerasgan.testing.values import ON_TENSORFLOW, all_variables, flat, require, samples_of, saved_values, skip

ENGINES_AGREE = 1e-10
REPLICAS_AGREE = 1e-12


def trains(case):
    """Builds, compiles and fits with the paper's recipe; the logs are finite, and those of an active phase are kept."""
    model, keys = case.model(), []
    note_keys = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: keys.append(sorted(logs)))
    history = case.fit(model, batches=2, epochs=3, callbacks=[note_keys]).history
    expected = sorted(history)
    require(len(keys) == 6, f"{len(keys)} steps were run, expected 6.")
    for first, second in (keys[i : i + 2] for i in range(0, 6, 2)):  # two steps per epoch
        require(set(first) <= set(second) <= set(expected), f"Logs vanish within an epoch: {keys}.")
    missing = {f"{phase.name}_loss" for phase in model.game} - set(history)
    require(not missing, f"Losses of phases are missing from the logs: {missing}.")
    wrong = {key: series for key, series in history.items() if not np.all(np.isfinite(series))}
    require(not wrong, f"Logs are not finite: {wrong}.")


def moves_only_its_own(case):
    """A step changes only the networks its phase trains, their averages and the counters, bit for bit."""
    model, moves = case.moves
    variables = all_variables(model)
    for phase, (before, after) in moves.items():
        moved = {id(v) for v, a, b in zip(variables, before, after, strict=True) if a.tobytes() != b.tobytes()}
        others = set(model.networks) - set(phase.trains)
        foreign = {id(v) for name in others for v in model.networks[name].variables}
        own = [v for name in phase.trains for v in model.networks[name].variables]
        own += [v for name in set(phase.trains) & set(model.averages) for v in model.averages[name].variables]
        kept = [getattr(model, name) for name in phase.keeps]
        own += [v for item in kept for v in (item.variables if hasattr(item, "variables") else [item])]
        own += [*model.optimizer[phase.optimizer].variables, model.iterations, model.images_seen]
        allowed = {id(v) for v in own if not is_seed_state(v)} - foreign
        wrong = [v.path for v in variables if id(v) in moved - allowed]
        require(not wrong, f"Phase {phase.name!r} trains {phase.trains}, but changed other variables: {wrong}.")
        for name in set(phase.trains) & set(model.averages):
            follows = [
                (id(source) in moved) <= (id(average) in moved)
                for source, average in zip(model.networks[name].variables, model.averages[name].variables, strict=True)
            ]
            require(all(follows), f"Phase {phase.name!r} trains {name!r}, but its average did not change.")
        change = {id(v): b - a for v, a, b in zip(variables, before, after, strict=True) if a.dtype.kind == "i"}
        counters = {"iterations": (model.iterations, 1), "images_seen": (model.images_seen, case.batch_size)}
        counters["optimizer's iterations"] = model.optimizer[phase.optimizer].iterations, 1
        for name, (counter, expected) in counters.items():
            advance = int(change[id(counter)])
            require(advance == expected, f"Phase {phase.name!r} advanced the {name} by {advance}, not {expected}.")


def reaches_every_weight(case):
    """Every trainable variable of a phase's networks has a non-zero gradient, apart from named exceptions."""
    model, moves = case.moves
    variables, unused = all_variables(model), set(case.unmoved)
    for phase, (before, after) in moves.items():
        mine = {id(v) for v in model.trained_by(phase)}
        stayed = []
        for variable, a, b in zip(variables, before, after, strict=True):
            # A gradient that is zero in exact arithmetic is about 1e-17 after rounding.
            if id(variable) in mine and np.abs(b - a).max() <= 1e-10 * RATE:
                place = f"{phase.name}: {variable.path}"
                known = [pattern for pattern in case.unmoved if fnmatch.fnmatchcase(place, pattern)]
                unused -= set(known)
                stayed += [] if known else [place]
        require(not stayed, f"These variables have no gradient: {stayed}. List them in `unmoved` if this is intended.")
    require(not unused, f"`unmoved` has patterns that match no variable without a gradient: {sorted(unused)}.")


def agrees_with_other_engine(case):
    """TensorFlow and JAX give the same weights after some steps."""
    if not ON_TENSORFLOW or importlib.util.find_spec("jax") is None:
        skip("compared from TensorFlow, where JAX is installed")
    before, after = case.training
    plain = dataclasses.replace(case)  # without cached results
    there_before, there_after = other_engine().submit(train_scripted, plain, before).result()
    _require_close(before, there_before, 0.0, "The start on JAX")
    _require_close(after, there_after, ENGINES_AGREE, "JAX")
    _require_training(before, after, case.steps)


def agrees_with_two_replicas(case):
    """Two replicas with half the batch each give the same weights as one device."""
    if not ON_TENSORFLOW:
        skip("tf.distribute needs TensorFlow")
    import tensorflow as tf

    if len(tf.config.list_logical_devices("CPU")) < 2:
        skip("needs two logical CPU devices: tf.config.set_logical_device_configuration before TensorFlow starts")
    before, after = case.training
    _require_close(after, train_scripted(case, before, mirrored_strategy(2))[1], REPLICAS_AGREE, "MirroredStrategy(2)")
    _require_training(before, after, case.steps)


def _require_close(expected, found, limit, who):
    differences = [float(np.abs(a - b).max(initial=0.0)) for a, b in zip(expected, found, strict=True)]
    worst = max(range(len(differences)), key=differences.__getitem__)
    finite = all(np.all(np.isfinite(a)) for a in (*expected, *found))
    require(
        finite and differences[worst] <= limit,
        f"{who} differs by {differences[worst]:.2e} in variable {worst} of those saved, expected {limit:.0e} at most.",
    )


def _require_training(before, after, steps):
    change = max(np.abs(b - a).max(initial=0.0) for a, b in zip(before, after, strict=True) if a.dtype.kind == "f")
    require(change > 1e-3, f"{steps} steps changed no variable by more than {change:.0e}, so the comparison is void.")


def trains_in_bfloat16(case):
    """With mixed_bfloat16 it computes in bfloat16, keeps float32 variables and returns finite float32 samples."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = case.model(run_eagerly=EAGERLY)
        history = case.fit(model, batches=2).history
        samples = samples_of(model, case.data(model))
    finally:
        keras.config.set_dtype_policy(policy)
    layers = [layer for network in model.networks.values() for layer in network.layers if layer.trainable_variables]
    require(any(layer.compute_dtype == "bfloat16" for layer in layers), "No layer computes in bfloat16.")
    dtypes = {v.dtype for v in all_variables(model) if "float" in v.dtype}
    require(dtypes == {"float32"}, f"Variables are {dtypes}, expected float32.")
    require(samples.dtype in (np.float32, np.int32), f"Samples are {samples.dtype}, expected float32, or int32 tokens.")
    require(
        np.isfinite(samples).all() and np.isfinite(list(history.values())).all(), "Samples or losses are not finite."
    )


def resumes_exactly(case):
    """A checkpoint within an epoch and a .keras file at its end restore a training bit for bit, including samples."""
    model = case.model()
    data = case.data(model)
    names = [v.path for v in all_variables(model) if not is_seed_state(v)]
    with tempfile.TemporaryDirectory() as folder:
        path, first_epoch = os.path.join(folder, "model.keras"), dict[str, Any]()

        class Save(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                if epoch == 0:
                    model.save(path)
                    first_epoch.update(values=saved_values(model), samples=samples_of(model, data))

        checkpoint = Checkpoint(folder, every_steps=2, keep=None)
        case.fit(model, batches=3, epochs=2, shuffle=True, callbacks=[Save(), checkpoint])
        loaded = keras.models.load_model(path)
        resumed = case.model()
        position = restore_checkpoint(resumed, os.path.join(folder, "step-00000005.npz"))
        refuses_damaged_checkpoints(folder)
    _require_equal(names, first_epoch["values"], saved_values(loaded), "after loading")
    same = np.array_equal(first_epoch["samples"], samples_of(loaded, data))
    require(same, "The loaded model generates different samples.")
    case.fit(loaded, batches=3, initial_epoch=1, epochs=2, shuffle=True)
    _require_equal(names, saved_values(model), saved_values(loaded), "after the steps of the loaded model")
    case.fit(resumed, batches=3, shuffle=True, epochs=2, initial_epoch=1, initial_step=position["step"])
    _require_equal(names, saved_values(model), saved_values(resumed), "after the resumed step")
    logs = [[float(ops.convert_to_numpy(log.result())) for log in m.trackers.values()] for m in (model, resumed)]
    # TensorFlow adds the terms of a loss in any order, so the last bit of a log can differ.
    np.testing.assert_allclose(logs[0], logs[1], rtol=1e-5, atol=1e-6, err_msg="in the logs of the resumed epoch")
    same = np.array_equal(samples_of(model, data), samples_of(resumed, data))
    require(same, "The resumed model generates different samples.")
    pairs = list(zip(first_epoch["values"], saved_values(model), strict=True))
    if first_epoch["samples"].dtype.kind == "f":  # the likeliest tokens need not change with the weights
        pairs = [(first_epoch["samples"], samples_of(model, data))]
    require(not all(np.array_equal(*pair) for pair in pairs), "The last steps changed nothing.")


def refuses_damaged_checkpoints(folder, positions=5):
    """Any changed byte of the newest checkpoint is detected when it is read."""
    path = latest_checkpoint(folder)
    content = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), positions):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            read_checkpoint(path)
        except CorruptCheckpoint:
            continue
        raise AssertionError(f"Byte {place} of {path.name} was changed, but reading it raised no error.")
    path.write_bytes(content)


def skips_overflows(case):
    """In float16 a step with overflowing gradients changes no network and halves the scale; the next step trains."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = case.model(run_eagerly=EAGERLY)
        networks = [v for network in model.networks.values() for v in network.variables if not is_seed_state(v)]
        full = max(range(200), key=lambda step: len(model.due(step)))  # the first step with all phases, or most
        players = sorted({phase.optimizer for phase in model.game if phase.name in model.due(full)})
        scales = [model.optimizer[player].dynamic_scale for player in players]

        def train_at(scale):
            for each in scales:
                each.assign(scale)
            before = [np.array(ops.convert_to_numpy(v)) for v in networks]
            model.iterations.assign(full)
            history = case.fit(model).history
            return before, [np.array(ops.convert_to_numpy(v)) for v in networks], history

        names = [v.path for v in networks]
        before, after, history = train_at(3e38)
        _require_equal(names, before, after, "after an overflow")
        now = [float(ops.convert_to_numpy(scale)) for scale in scales]
        require(max(now) < 2e38, f"The scales are {now} after an overflow, expected less than before.")
        skipped = int(ops.convert_to_numpy(model.skipped))
        due = model.due(full)
        require(skipped == len(due), f"{skipped} updates were counted as skipped, not {len(due)}.")
        share = {name: history[f"{name}_skipped"][0] for name in due}
        require(share and set(share.values()) == {1.0}, f"The logs report {share} for the skipped updates.")
        before, after, _ = train_at(1.0)
        changed = any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        require(changed and all(np.isfinite(a).all() for a in after), "Training did not continue after the overflow.")
    finally:
        keras.config.set_dtype_policy(policy)


def _require_equal(names, expected, found, when):
    require(len(expected) == len(found), f"{len(found)} variables {when}, expected {len(expected)}.")
    wrong = [n for n, a, b in zip(names, expected, found, strict=True) if a.tobytes() != b.tobytes()]
    require(not wrong, f"Variables differ {when}: {wrong}.")


def round_trips_its_configuration(case):
    """Model and recipe can be restored from their JSON configurations, which contain every constructor argument."""
    model = case.untouched
    config, compile_config = model.get_config(), model.get_compile_config()
    for name, parameter in inspect.signature(case.family.__init__).parameters.items():
        optional = parameter.default is None or name == "self"
        if parameter.kind is not parameter.VAR_KEYWORD and not optional:
            require(name in config, f"get_config() leaves out {name!r}, an argument of {case.family.__name__}.")
    for name, value in case.constructor_arguments().items():
        require(name in config, f"get_config() leaves out {name!r}, which was passed to {case.family.__name__}.")
        serialized = keras.saving.serialize_keras_object(value) if hasattr(value, "get_config") else value
        given = isinstance(value, keras.Model) or _same(config[name], value) or _same(config[name], serialized)
        require(given, f"get_config() says {name}={config[name]!r}, but {value!r} was passed.")
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(model))))
    require(type(again) is case.family, f"The configuration is that of a {type(again).__name__}.")
    require(_same(again.get_config(), config), f"{again.get_config()} came back from {config}.")
    again.compile_from_config(json.loads(json.dumps(compile_config)))
    found = again.get_compile_config()
    require(_same(found, compile_config), f"{found} came back from {compile_config}.")
    phases, expected = ([(p.name, p.trains, p.optimizer, p.every) for p in m.game] for m in (again, model))
    require(phases == expected, f"The phases {phases} came back from {expected}.")


def _same(first, second):
    """Compares as JSON, in which tuples are lists and kinds of samples their configurations."""

    def plain(value):
        return keras.saving.serialize_keras_object(value) if isinstance(value, Kind) else repr(value)

    return json.dumps(first, sort_keys=True, default=plain) == json.dumps(second, sort_keys=True, default=plain)


def exports(case):
    """The signature `sample` of the SavedModel returns the samples of `model.sample`."""
    if not ON_TENSORFLOW or not hasattr(case.family, "sample"):
        skip("needs TensorFlow and a family with sample()")
    import tensorflow as tf

    model = case.untouched
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "saved_model")
        model.export(path)
        inputs = {"num": tf.constant(4), "seed": tf.constant(3, "int64")}
        conditions = {name: kind.examples(4) for name, kind in model.conditions.kinds.items()}
        inputs |= {name: tf.constant(value) for name, value in conditions.items()}
        options = {}
        if model.truncates:
            inputs["truncation"], options["truncation"] = tf.constant(0.7), 0.7
        if model.inference(model.ema_generator).adds_noise:
            inputs["noise"], options["noise"] = tf.constant(0.5), 0.5
        outputs = tf.saved_model.load(path).signatures["sample"](**inputs)
    made = {name: value.numpy() for name, value in outputs.items()}
    found = flat(made) if len(made) > 1 else next(iter(made.values()))
    difference = np.abs(found - flat(model.sample(4, seed=3, **options, **conditions))).max()
    require(difference <= 1e-6, f"The exported samples differ by {difference:.1e}.")


def comes_back_from_a_preset(case):
    """A preset of the model returns the same samples or translations of the averaged networks."""
    from kerasgan import load

    model = case.model()
    case.fit(model)
    data = case.data(model)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "preset")
        model.save_preset(path)
        again = load(path)
    require(type(again) is type(model), f"The preset loads as a {type(again).__name__}.")
    difference = np.abs(samples_of(model, data) - samples_of(again, data)).max()
    require(difference <= 1e-6, f"The outputs of the loaded preset differ by {difference:.1e}.")


def refuses_bad_data(case):
    """`fit` raises an error for invalid arrays and datasets, with a different message for each mistake."""

    def rows(x):
        return len(keras.tree.flatten(x)[0])

    model = case.untouched
    x, y = case.data(model, batches=4)
    x_spec, y_spec = model.data_specs()
    batch = case.batch_size
    wrong = [(*mistake, y, batch) for mistake in mistakes(x_spec, x)]
    wrong = [(what, pattern, bad, y, batch) for what, pattern, bad, y, batch in wrong]
    wrong.append(("batch larger than the data", "batch_size", x, y, rows(x) + 1))
    if y_spec is None:
        wrong.append(("unexpected labels", "unconditional", x, np.zeros(rows(x), "int32"), batch))
    else:
        wrong += [(what, pattern, x, bad, batch) for what, pattern, bad in mistakes(y_spec, y)]
        wrong.append(("missing labels", "y is missing", x, None, batch))
    sentences: dict[str, set[str]] = {}
    for what, pattern, bad_x, bad_y, size in wrong:
        y_there = None if bad_y is None or rows(bad_x) != rows(x) else bad_y
        bad_y = bad_y if y_there is not None or bad_y is None else bad_y[: rows(bad_x)]
        sources = {"arrays": lambda: model.fit(bad_x, bad_y, batch_size=size, verbose=0)}  # noqa: B023
        if rows(bad_x) > 0 and size <= rows(bad_x):
            sources["dataset"] = lambda: model.fit(OneBatch(bad_x, bad_y), verbose=0)  # noqa: B023
        for source, attempt in sources.items():
            said = refusal(attempt)
            require(said is not None, f"{what} ({source}) raised no ValueError.")
            require(pattern in said, f"{what} ({source}) raised {said!r}, expected {pattern!r} in the message.")
            sentences.setdefault(said, set()).add(what)
    shared = [names for names in sentences.values() if len(names) > 1]
    require(not shared, f"Different mistakes have the same error message: {shared}.")
    require(int(ops.convert_to_numpy(model.iterations)) == 0, "A step was run on invalid data.")


CHECKS = (
    trains,
    moves_only_its_own,
    reaches_every_weight,
    agrees_with_other_engine,
    agrees_with_two_replicas,
    trains_in_bfloat16,
    skips_overflows,
    resumes_exactly,
    round_trips_its_configuration,
    exports,
    comes_back_from_a_preset,
    refuses_bad_data,
)
# Checks of features that the base class and the engines implement for all families, and the slowest checks.
EXTENSIVE = (
    agrees_with_two_replicas,
    trains_in_bfloat16,
    skips_overflows,
    resumes_exactly,
    comes_back_from_a_preset,
)
COSTLY = (agrees_with_other_engine, *EXTENSIVE)
# Slow checks for additional cases of a family: also the checks that depend on neither its losses nor its phases, or
# that add nothing to `moves_only_its_own`, which runs each phase once.
FURTHER = (*COSTLY, trains, round_trips_its_configuration, exports, refuses_bad_data)
