"""What is measured, each row in a process of its own: `python -m benchmarks.accelerator --row NAME`."""

import concurrent.futures
import functools
import importlib
import statistics
import time

import numpy as np

from benchmarks.accelerator.games import GAMES, POLICY, TINY_BATCH, build
from benchmarks.worker import peak_megabytes

TOLERANCE = 1e-3
CHECKED = ("dcgan_64", "stylegan2_128")  # batch statistics; lazy penalties with second derivatives
ROUNDS, CHUNK_SECONDS = 3, 0.5  # at least so many timings of so many seconds
COMPILED = "XLA's cost analysis of the compiled steps, which counts a convolution's and a product's operations exactly"
LOWERED = (
    "XLA's cost analysis of the steps before compilation, because that of the compiled ones knows nothing of the "
    "operations of library calls"
)


def first_device():
    """The device that JAX uses."""
    import jax

    return jax.devices()[0]


def about():
    """JSON-ready entries about the machine: the card, and the versions of what runs there."""
    import os

    import jax
    import keras

    device = first_device()
    return {
        "card": device.device_kind if device.platform != "cpu" else "cpu",
        "platform": device.platform,
        "cores": os.cpu_count(),
        "jax": jax.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def matrix_rate(tiny=False):
    """The rate of a large product of random bfloat16 matrices: the median of chains of ten."""
    import jax
    import jax.numpy as jnp

    size, chain = (256, 2) if tiny else (8192, 10)
    first, second = (jax.random.normal(jax.random.key(seed), (size, size), "bfloat16") for seed in range(2))
    multiply = jax.jit(jnp.matmul)

    def run():
        return jax.block_until_ready([multiply(first, second) for _ in range(chain)])

    run()
    found = []
    for _ in range(7):
        start = time.perf_counter()
        run()
        found.append((time.perf_counter() - start) / chain)
    return {"size": size, "flops_per_second": 2 * size**3 / statistics.median(found)}


# The step agrees with the CPU's ---------------------------------------------------------------------------------------


def check(names=CHECKED):
    """Compares two float32 steps of tiny games on the accelerator with those on the CPU device, in one process.

    Both have SGD, because Adam hides a wrong scale and amplifies rounding, and the highest precision of products. On a
    machine with only a CPU the compiled step is compared with the same one without compilation. As a control the images
    are scaled by 0.98 on one side: the difference must then be above the tolerance.

    Returns:
        A row; its status is "failed" if a difference is above the tolerance or a control below.
    """
    import jax

    device, processor = first_device(), jax.devices("cpu")[0]
    alone = device.platform == "cpu"
    names = names[:1] if alone else names  # without compilation the second one takes minutes
    differences, controls = {}, {}
    with jax.default_matmul_precision("highest"):
        for name in names:
            model, data, state = _game_of_check(name)
            networks = _places_of(model)
            play = functools.partial(_played, model, state=state)
            ours = play(data, device=device)
            reference = play(data, device=processor, jit=not alone)
            scaled = (*(part * np.float32(0.98) for part in data[:1]), *data[1:])
            control = play(scaled, device=processor)
            for network, places in networks.items():
                key = f"{name} {network}"
                differences[key] = _difference(ours, reference, state, places)
                controls[key] = _difference(ours, control, state, places)
    compared = (
        "two compiled float32 steps against the same without compilation, on one CPU, as there is no accelerator"
        if alone
        else f"two float32 steps on {device.device_kind} against the CPU device of the same process"
    )
    row = {"compared": compared, "tolerance": TOLERANCE, "differences": differences, "controls": controls}
    wrong = [key for key, value in differences.items() if not value <= TOLERANCE]
    blind = [key for key, value in controls.items() if not value > TOLERANCE]
    if wrong or blind:
        reason = f"differences above {TOLERANCE}: {wrong}; controls that were not told apart: {blind}"
        return {**row, "status": "failed", "reason": reason}
    return row


def _game_of_check(name):
    import keras

    sgd = {f"{player}_optimizer": keras.optimizers.SGD(0.01) for player in ("discriminator", "generator")}
    model, data = build(name, tiny=True, policy="float32", **sgd)
    return model, data, [[np.asarray(v.value) for v in variables] for variables in model._state_variables()]


def _places_of(model):
    """The places of the trained variables of each network in the first list of the state."""
    places = {id(v): i for i, v in enumerate(model.trainable_variables)}
    return {name: [places[id(v)] for v in each.trainable_variables] for name, each in model.networks.items()}


def _played(model, data, state, device, jit=True, steps=2):
    """The trainable variables after some steps on a device."""
    import contextlib

    import jax

    from kerasgan.game.phase import Moment

    with jax.default_device(device), contextlib.nullcontext() if jit else jax.disable_jit():
        state, data = jax.device_put((tuple(state), data), device)
        for step in range(steps):
            play = functools.partial(model.train_step, plan=model.plan(Moment(step, step * len(data[0]))))
            _, state = (jax.jit(play) if jit else play)(state, data)
        return [np.asarray(value) for value in state[0]]


def _difference(values, others, state, places):
    """The norm of the difference of two results relative to that of the change."""
    apart = sum(float(np.sum(np.square(values[i].astype("float64") - others[i]))) for i in places)
    change = sum(float(np.sum(np.square(others[i].astype("float64") - state[0][i]))) for i in places)
    return (apart / change) ** 0.5


# Games on JAX ---------------------------------------------------------------------------------------------------------


def jax_row(name, tiny=False, batch=None, seconds=3.0):
    """Speed, operations and memory of the engine's compiled steps of a game.

    Args:
        name: Name of the game.
        tiny: Whether the networks are tiny.
        batch: Number of images of a step. `None` for the game's.
        seconds: Number of seconds of timing.
    """
    import jax
    import jax.numpy as jnp

    from kerasgan.game.phase import Moment

    start = time.perf_counter()
    model, data = build(name, tiny, batch)
    variables = model._state_variables()
    state = tuple([jnp.array(v.value) for v in each] for each in variables)
    parameters = {each: count(network.trainable_variables) for each, network in model.networks.items()}
    for each in variables:  # the state holds their values, as in `fit`
        for variable in each:
            variable._value = None
    data = jax.device_put(data)
    rows = len(data[0])
    plans = [model.plan(Moment(step, step * rows)) for step in range(model.period)]
    built = time.perf_counter() - start
    start = time.perf_counter()
    lowered = {
        plan: jax.jit(functools.partial(model.train_step, plan=plan), donate_argnums=0).lower(state, data)
        for plan in dict.fromkeys(plans)
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        compiled = dict(zip(lowered, pool.map(lambda each: each.compile(), lowered.values()), strict=True))
    compiling = time.perf_counter() - start

    def play(periods):
        nonlocal state
        for _ in range(periods):
            for plan in plans:
                logs, state = compiled[plan](state, data)
        jax.block_until_ready(state)
        return logs

    logs = play(1)
    step_seconds = timed(play, len(plans), seconds)
    flops, source = operations(plans, lowered, compiled)
    peak, where = peak_bytes()
    return {
        "engine": "JAX",
        "policy": POLICY,
        "batch": rows,
        "images_per_second": rows / step_seconds,
        "step_seconds": step_seconds,
        "period": len(plans),
        "flops_per_step": flops,
        "flops_per_second": flops / step_seconds,
        "flops_from": source,
        "peak_bytes": peak,
        "peak_of": where,
        "building_seconds": built,
        "compiling_seconds": compiling,
        "parameters": parameters,
        "finite": all(bool(np.isfinite(value)) for value in logs.values()),
    }


def count(variables):
    """Number of parameters."""
    return int(sum(np.prod(v.shape, dtype="int64") for v in variables))


def timed(play, steps, seconds):
    """The median seconds of a step.

    Args:
        play: Function of a number of periods that returns when they are done.
        steps: Number of steps of a period.
        seconds: Number of seconds to spend; the first round is not counted.
    """
    start = time.perf_counter()
    play(1)
    one = time.perf_counter() - start
    periods = max(1, round(min(CHUNK_SECONDS, seconds / ROUNDS) / one))
    found = []
    start = time.perf_counter()
    while len(found) < ROUNDS or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        play(periods)
        found.append((time.perf_counter() - before) / (periods * steps))
    return statistics.median(found)


def operations(plans, lowered, compiled):
    """The mean operations of a step of the period, and from which analysis they are.

    Args:
        plans: Plans of the steps of a period.
        lowered: Lowered step of each plan.
        compiled: Compiled step of each plan.
    """

    def mean_of(steps):
        found = {plan: step.cost_analysis() for plan, step in steps.items()}
        found = {plan: each[0] if isinstance(each, (list, tuple)) else each for plan, each in found.items()}
        return sum(float((found[plan] or {}).get("flops", 0.0)) for plan in plans) / len(plans)

    after, before = mean_of(compiled), mean_of(lowered)
    return (after, COMPILED) if after > 0.5 * before else (before, LOWERED)


def peak_bytes():
    """The peak memory, and of what: the device's allocator, or this process where the device tells none."""
    stats = first_device().memory_stats() or {}
    if stats.get("peak_bytes_in_use"):
        return int(stats["peak_bytes_in_use"]), "device"
    return int(peak_megabytes() * 1e6), "process"


# Games in PyTorch -----------------------------------------------------------------------------------------------------


def torch_row(name, tiny=False, batch=None, seconds=3.0, compiled=False, expected=None):
    """Speed and memory of the same game in PyTorch: channels last, bfloat16 autocast.

    Args:
        name: Name of the game.
        tiny: Whether the networks are tiny.
        batch: Number of images of a step. `None` for the game's.
        seconds: Number of seconds of timing.
        compiled: Whether the networks are compiled with `torch.compile`.
        expected: `{network: number of parameters}` of the Keras networks, which must be the same.

    Raises:
        ValueError: If the networks are of another size than the Keras ones.
    """
    import torch

    game = GAMES[name]
    arguments = {**game.arguments, **(game.tiny if tiny else {})}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    batch = batch or (TINY_BATCH if tiny else game.batch)
    play = importlib.import_module(game.torch).game(arguments, batch, device)
    parameters = play.parameter_counts()
    if expected is not None and parameters != expected:
        raise ValueError(f"PyTorch's networks have {parameters} parameters, those of Keras {expected}.")
    start = time.perf_counter()
    if compiled:
        play.compile()

    def run(periods):
        for _ in range(periods):
            for step in range(play.period):
                play.step(step)
        if device.type == "cuda":
            torch.cuda.synchronize()

    run(1)
    compiling = time.perf_counter() - start
    step_seconds = timed(run, play.period, seconds)
    on_device = device.type == "cuda"
    return {
        "engine": f"PyTorch {torch.__version__}{', torch.compile' if compiled else ''}",
        "policy": "bfloat16 autocast",
        "batch": batch,
        "images_per_second": batch / step_seconds,
        "step_seconds": step_seconds,
        "period": play.period,
        "peak_bytes": int(torch.cuda.max_memory_allocated() if on_device else peak_megabytes() * 1e6),
        "peak_of": "device" if on_device else "process",
        "compiling_seconds": compiling,
        "parameters": parameters,
        "same_parameters": expected is not None,
        "finite": play.is_finite(),
    }
