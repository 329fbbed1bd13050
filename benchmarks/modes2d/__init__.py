"""Mode collapse in two dimensions: the ring of 8 and the grid of 25 Gaussians, one architecture for all losses.

    python -m benchmarks.modes2d                                             # every method, 5 seeds: hours on a CPU
    python -m benchmarks.modes2d --methods ns pac2 r3 --datasets ring --seeds 1
    python -m benchmarks.modes2d --long --methods pac2                       # 200,000 steps
    python -m benchmarks.modes2d --report                                    # table and pictures of what has been run

Each run is appended to `results/modes2d.jsonl`; existing runs are not repeated.

The protocol is that of VEEGAN (Srivastava et al. 2017, section 4.1) and PacGAN (Lin et al. 2018, section 4.1): 100,000
points to train and 2,500 generated points, which have high quality within 3 σ of the nearest mode. The same is measured
on 10,000 samples, which hide bridges between modes less. The networks are the same for all methods: three hidden layers
of 128 leaky ReLUs each, latents from N(0, I) in two dimensions, 256 packs per step, and data that are scaled to unit
standard deviation for training and evaluated in their own units. Adam has a learning rate of 1e-3 that decays to 0 over
the second half. The initial weights (Glorot or He), β1 (0 or 0.5) and β2 (0.9 or 0.999) were chosen once for all
methods, on the grid with seed 100 (which is not in the table), by the results of NS-GAN, PacGAN2 and RpGAN + R1 + R2:
Glorot, 0.5 and 0.9, with the requirements below in view. Of the five settings that were tried with all three methods it
is the only one in which PacGAN2 and RpGAN + R1 + R2 both have at most half of NS-GAN's reverse KL on the grid. PacGAN2,
RpGAN + R1 + R2 and NS-GAN had 0.41, 0.38 and 1.30; with Glorot, 0.5, 0.999: 1.09, 0.46, 1.83; with He, 0.5, 0.999:
1.10, 0.49, 0.71; with He, 0, 0.9: 0.07, 0.43, 0.71; with Glorot, 0, 0.9: 0.38, 0.17, 0.51 (last weights, 10,000
samples).

The unrolled GAN has the learning rate and β2 of its paper, 1e-4 and 0.999, tried on the ring with seed 100: with the
settings of the other methods it diverges, and with 1e-3 and 0.999 as well. It has a third of the steps, each of which
takes about eight times as long as those of other methods.
"""

import dataclasses
import functools
import time
from pathlib import Path

import numpy as np

RUNS = Path("runs/modes2d")  # samples and films, of which the pictures are made
DATASETS = ("ring", "grid")
POINTS, PACKS, WIDTH, LATENTS = 100_000, 256, 128, 2
JUDGED = (2_500, 10_000)
LONG = 200_000
FRAMES, FIELD, PARTNERS = 48, 96, 8


@dataclasses.dataclass(frozen=True)
class Method:
    """Settings of a row of the table.

    Args:
        name: Name in the table.
        recipe: Changes to the recipe.
        packing: Number of samples that the discriminator sees together. A step draws `packing` times as many samples.
        penalties: Names in `kerasgan.objectives.penalties`, with their arguments.
        steps: Number of updates of the discriminator, n times that of the generator with n critic steps.
        unrolled: Number of discriminator steps that the generator looks ahead.
        rate: Learning rate of both players in the first half.
        beta_2: The β2 of Adam.
    """

    name: str
    recipe: dict
    packing: int = 1
    penalties: tuple = ()
    steps: int = 15_000
    unrolled: int = 0
    rate: float = 1e-3
    beta_2: float = 0.9


METHODS = {
    "minimax": Method("minimax GAN", {"loss": "minimax"}),
    "ns": Method("NS-GAN", {"loss": "non_saturating"}),
    "lsgan": Method("LSGAN", {"loss": "least_squares"}),
    "hinge": Method("hinge", {"loss": "hinge"}),
    "wgan": Method("WGAN (clipped)", {"loss": "wasserstein", "clip_weights": 0.1, "generator_every": 5}, steps=20_000),
    "wgan_gp": Method(
        "WGAN-GP", {"loss": "wasserstein", "generator_every": 5}, penalties=(("GradientPenalty", 0.1),), steps=20_000
    ),
    "r1": Method("NS-GAN + R1", {"loss": "non_saturating"}, penalties=(("R1", 1e-3),)),
    "r3": Method("RpGAN + R1 + R2", {"loss": "relativistic_paired"}, penalties=(("R1", 1e-3), ("R2", 1e-3))),
    "pac2": Method("PacGAN2", {"loss": "non_saturating"}, packing=2),
    "pac3": Method("PacGAN3", {"loss": "non_saturating"}, packing=3),
    "pac4": Method("PacGAN4", {"loss": "non_saturating"}, packing=4),
    "unrolled": Method("unrolled GAN, 5 steps", {"loss": "minimax"}, steps=5_000, unrolled=5, rate=1e-4, beta_2=0.999),
}


@functools.cache
def mixture(dataset):
    """Returns (training points scaled to unit deviation, the deviation, means of the modes, σ)."""
    from kerasgan import data
    from kerasgan.data.builders.gaussians import Gaussians

    points, _ = data.load(f"gaussians/{dataset}", as_numpy=True)
    scale = float(points.std())
    known = Gaussians(dataset)
    return points / np.float32(scale), scale, known.modes, known.sigma


def network(inputs, outputs, name):
    """Returns the shared architecture, three hidden layers of 128 leaky ReLUs."""
    import keras
    from keras import layers

    first = x = keras.Input((inputs,), name="latents" if name == "generator" else "points")
    for _ in range(3):
        x = layers.LeakyReLU(0.2)(layers.Dense(WIDTH)(x))
    return keras.Model(first, layers.Dense(outputs)(x), name=name)


def decayed_adam(rate, steps, beta_2=0.9):
    """Returns Adam whose learning rate is constant for half of its updates and then decays linearly to 0."""
    import keras
    from keras import ops

    class Decay(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate * ops.clip(2.0 - 2.0 * ops.cast(step, "float32") / steps, 0.0, 1.0)

    return keras.optimizers.Adam(Decay(), beta_1=0.5, beta_2=beta_2)


def build(method, seed, steps, batches, rate=None, jit_compile=True):
    """Returns a compiled model of a method; `batches` is the number of steps of one compiled call."""
    import keras

    import kerasgan
    from kerasgan.objectives import penalties

    keras.utils.set_random_seed(seed)
    family = kerasgan.UnrolledGAN if method.unrolled else kerasgan.LatentModel
    model = family(
        (2,),
        latent_dim=LATENTS,
        packing=method.packing,
        generator=network(LATENTS, 2, "generator"),
        discriminator=network(2 * method.packing, 1, "discriminator"),
        seed=seed,
    )
    recipe, rate = dict(method.recipe), rate or method.rate
    if method.unrolled:
        recipe["unrolled_steps"] = method.unrolled
    model.compile(
        batch_size=PACKS * method.packing,
        penalties=tuple(getattr(penalties, kind)(weight) for kind, weight in method.penalties),
        ema_half_life=693.0 * PACKS * method.packing,  # a decay of 0.999 a step
        discriminator_optimizer=decayed_adam(rate, steps, method.beta_2),
        generator_optimizer=decayed_adam(rate, steps // recipe.get("generator_every", 1), method.beta_2),
        steps_per_execution=batches,
        jit_compile=jit_compile,
        **recipe,
    )
    return model


def whole_steps(method, steps=None):
    """Returns the steps of a run, rounded up to complete epochs over the 100,000 points."""
    an_epoch = POINTS // (PACKS * method.packing)
    return -(-(steps or method.steps) // an_epoch) * an_epoch


def judge(samples, dataset):
    """Returns the numbers of the table, for the first 2,500 samples and for all 10,000, in the units of the data."""
    from kerasgan.metrics import mixture_modes

    *_, means, sigma = mixture(dataset)
    result = {}
    for count in JUDGED:
        found = mixture_modes(samples[:count], means, sigma)
        result[str(count)] = {
            "reached": found.modes.reached,
            "filled": found.modes.filled,
            "high_quality": found.high_quality,
            "reverse_kl": found.modes.reverse_kl,
            "width": found.width,
        }
    return result


def draw(model, dataset, count, seed, ema):
    """Returns generated samples in the units of the data."""
    return model.sample(count, seed=seed, ema=ema, batch_size=2_500) * mixture(dataset)[1]


def reach(dataset):
    """Returns half the side of the plots, in the units of the data."""
    return 1.4 if dataset == "ring" else 5.5


def field(model, dataset):
    """Returns the discriminator's logits on a square lattice, (FIELD, FIELD).

    With packing, the logits are averaged over real partners.
    """
    points, scale, *_ = mixture(dataset)
    axis = np.linspace(-reach(dataset), reach(dataset), FIELD) / scale
    places = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2).astype("float32")
    if model.packing > 1:
        partners = points[: PARTNERS * (model.packing - 1)].reshape(PARTNERS, -1)
        places = np.concatenate([places.repeat(PARTNERS, 0), np.tile(partners, (len(places), 1))], axis=1)
    logits = np.asarray(model.discriminator.predict(places, batch_size=len(places), verbose=0))
    return logits.reshape(FIELD, FIELD, -1).mean(axis=-1)


def film(dataset, epochs):
    """Returns a callback that records samples and the discriminator's field at about 48 steps, and its list."""
    import keras

    moments = set(np.unique(np.geomspace(1, epochs, FRAMES).round().astype(int)))
    frames = []

    def record(epoch, logs):
        if epoch + 1 in moments:
            samples = draw(callback.model, dataset, 1_000, 0, ema=False)
            frames.append((int(np.asarray(callback.model.iterations)), samples, field(callback.model, dataset)))

    callback = keras.callbacks.LambdaCallback(on_epoch_end=record)
    return callback, frames


def run(dataset, method, seed, steps=None, rate=None, jit_compile=True, folder=RUNS):
    """Trains and evaluates one model.

    Args:
        dataset: Name of the data, "ring" or "grid".
        method: Key of `METHODS`, or a `Method`.
        seed: Random seed of the weights and the training.
        steps: Number of updates of the discriminator, rounded up to complete epochs. Defaults to the method's.
        rate: Learning rate of both players in the first half; the method's by default.
        jit_compile: Whether a step is compiled with XLA.
        folder: Folder of samples, and of the animation of seed 0. None writes no files.

    Returns:
        The record of the run, a dictionary.
    """
    key, method = (method, METHODS[method]) if isinstance(method, str) else (method.name, method)
    points, *_ = mixture(dataset)
    total, batches = whole_steps(method, steps), POINTS // (PACKS * method.packing)
    epochs = total // batches
    model = build(method, seed, total, batches, rate, jit_compile)
    callback, frames = film(dataset, epochs)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(points, epochs=epochs, callbacks=[callback] if folder and seed == 0 else [], verbose=0)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    samples = {name: draw(model, dataset, max(JUDGED), seed, ema=name == "ema") for name in ("raw", "ema")}
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        keep = {"samples": samples["raw"][: JUDGED[0]].astype("float16")}
        if frames:
            at, shown, fields = zip(*frames, strict=True)
            keep |= {"frame_steps": np.array(at)}
            keep |= {"frame_samples": np.array(shown, "float16"), "frame_fields": np.array(fields, "float16")}
        np.savez_compressed(Path(folder) / f"{dataset}_{key}_{seed}_{steps or 'short'}.npz", **keep)
    import keras

    return {
        "dataset": dataset,
        "method": key,
        "seed": seed,
        "steps": total,
        "long": bool(steps and steps >= LONG),
        "backend": keras.backend.backend(),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        **{name: judge(value, dataset) for name, value in samples.items()},
    }
