"""`kerasgan quickstart`: from a folder of pictures to a trained model, with everything chosen and explained."""

import hashlib
import re
import shlex
import tempfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasgan import run
from kerasgan.callbacks import (
    GANHealth,
    HeldOut,
    Interrupted,
    NonFiniteLoss,
    load_best,
    restore_checkpoint,
    save_checkpoint,
)
from kerasgan.data.load import source
from kerasgan.game.arguments import constructor_arguments
from kerasgan.metrics.evaluation import FEWEST, Evaluator
from kerasgan.pictures.images import write_png
from kerasgan.pictures.lock import check_unlocked
from kerasgan.studies import evaluate, look
from kerasgan.studies.choice import Facts, choose, held_out_of, image_size_of, refusal, uses_labels
from kerasgan.studies.measure import SAMPLES, measure
from kerasgan.zoo.saving import save

MINUTES = 60.0
ROUNDS = 30  # number of evaluations during a training
PATIENCE = 10  # number of evaluations without improvement before the end
COMPARED = 512  # number of samples to compare with the held-out pictures
LOOKED_AT = 2_000  # number of training pictures for the health callback
FEWEST_WATCHED, SAMPLES_WATCHED = 12, 128  # minimum number of pictures, and number of samples, for `GANHealth`
SHOWN = 36  # number of pictures on each side of the sheet
BEST, SHEET = "best.npz", "sheet.png"
REASONS = {
    "time": "The time is over.",
    "patience": f"No better in {PATIENCE} evaluations: more of the same training would not help, more pictures might.",
    "collapse": "The generator has collapsed and does not recover; the best weights before are kept.",
}


def quickstart(arguments, options, prepared, step_seconds, family_of, tell=print):
    """Runs `kerasgan quickstart`.

    Args:
        arguments: Arguments of the command.
        options: Options of `kerasgan.data.load` for pictures.
        prepared: Function of (arguments of `kerasgan train`, function that selects from the data) that returns x, y,
            the compiled model and the facts of `run.json`.
        step_seconds: Function of (model, x, y) that returns the seconds per step; it trains the model.
        family_of: Function from the name of a family to its class.
        tell: Function that prints a line.

    Raises:
        ValueError: If there are no, too few or too small pictures, or if the family does not generate pictures.
    """
    folder = Path(arguments.out or f"runs/quickstart-{_slug(arguments.data)}")
    if not arguments.dry_run:
        check_unlocked(folder)
    before = run.read_run(folder).get("quickstart") if arguments.resume else None
    if arguments.resume and before is None:
        raise ValueError(f"{folder} is a run of `kerasgan train`. Continue it with `kerasgan train --resume`.")
    if not (arguments.resume or arguments.dry_run) and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty. Continue with --resume, or train in another folder with --out.")
    if before:
        options = {**before["options"], **options}
        arguments.family, arguments.seed = arguments.family or before["family"], before["seed"]
        minutes = arguments.minutes or before["minutes"]
    else:
        minutes = arguments.minutes or MINUTES
    plan, parts, options = _planned(
        arguments, options, before["planned_minutes"] if before else minutes, family_of, tell
    )
    words = plan.command(arguments.data, *_words(options), "--seed", arguments.seed)
    if before and (words != before["command"] or parts.digest != before["held_out"]):
        raise ValueError(
            f"{folder} was started with other pictures or settings ({shlex.join(before['command'])}). Restore the "
            "pictures, or start again in another folder."
        )
    x, y, model, facts = prepared([*words, "--kimg", "1"], parts.select)
    if before is None or arguments.dry_run:
        seconds = _measured(step_seconds, model, x, y)
        kimg = 60 * minutes / seconds * model.recipe.largest_batch / 1000
        tell(
            f"\nThe same with all pictures, for as long (about {kimg:.3g} thousand pictures at {seconds:.3g} s a step):"
        )
        tell(f"  {shlex.join(['kerasgan', *words, '--kimg', f'{kimg:.3g}'])}")
        if arguments.dry_run:
            return
        rounds = _rounds(60 * minutes / ROUNDS / seconds, _count(x) // model.recipe.largest_batch)
    else:
        rounds = before["rounds"]
    told = {
        **{"minutes": minutes, "planned_minutes": before["planned_minutes"] if before else minutes, "rounds": rounds},
        **{"command": words, "options": options, "family": arguments.family, "seed": arguments.seed},
        "held_out": parts.digest,
    }
    facts = {**facts, "quickstart": told}
    judge = _trained(folder, model, x, y, parts, rounds, minutes, facts, bool(before), tell)
    _finished(folder, model, judge, parts, facts, arguments, tell)


def _slug(name):
    return re.sub(r"[^a-z0-9_-]+", "-", Path(str(name).rstrip("/")).name.lower()).strip("-_") or "pictures"


def device_of():
    """The kind of training device: "gpu" or "cpu"."""
    return "cpu" if all(name.startswith("cpu") for name in keras.distribution.list_devices()) else "gpu"


# Inspection and choice ------------------------------------------------------------------------------------------------


class Parts:
    """Division of pictures into training pictures and held-out pictures.

    Args:
        found: `kerasgan.data.load.Source` of all pictures.
        alike: The `kerasgan.studies.look.Likeness` of the pictures.
        seed: Random seed of the choice.

    Attributes:
        held: Positions of the held-out pictures. None of them has a copy or a near-duplicate, if there are enough such
            pictures.
        trained: Positions of the other pictures, with only the first of exact copies.
        digest: Digest that identifies the held-out pictures.
    """

    def __init__(self, found, alike, seed):
        self.found = found
        wanted = held_out_of(len(alike.unique))
        order = np.random.default_rng([seed, 1]).permutation(len(alike.unique))
        alone = ~(alike.near | alike.twins)[order]
        chosen = np.sort(np.concatenate([order[alone], order[~alone]])[:wanted])
        self.held = alike.unique[chosen]
        self.trained = np.delete(alike.unique, chosen)
        content = hashlib.sha256()
        for part in (self.held, self.trained):
            content.update(part.astype("int64").tobytes())
        for array in keras.tree.flatten(self.pictures()):
            content.update(np.ascontiguousarray(array).tobytes())
        self.digest = content.hexdigest()

    def pictures(self):
        """The held-out pictures, or a tuple (pictures, labels)."""
        return self.found.batches().rows_at(self.held)

    def some(self, count):
        """Some training pictures, in the same form."""
        places = np.linspace(0, len(self.trained) - 1, min(count, len(self.trained))).astype(int)
        return self.found.batches().rows_at(self.trained[places])

    def select(self, found):
        """The training examples, including mirrored ones."""
        places = self.trained
        if found.description.flip:
            places = np.concatenate([places, places + found.description.count // 2])
        return found.chosen(places)


def _planned(arguments, options, minutes, family_of, tell):
    """The `Plan`, the `Parts`, and the options for reading the pictures."""
    asked = arguments.family
    conditional = not arguments.no_classes
    if asked is not None:
        family = family_of(asked)
        if not family.generates or getattr(family, "as_captions", None):
            raise ValueError(
                f"--family {asked} does not generate pictures from latents alone. Choose fastgan, dcgan or stylegan2."
            )
        conditional = conditional and "num_classes" in constructor_arguments(family)
    options = {name: value for name, value in options.items() if name != "image_size"}
    size = arguments.image_size
    surveyed = look.survey(arguments.data, size, **options)
    facts = Facts(surveyed.count, surveyed.side, surveyed.classes, 0.0, device_of(), minutes, surveyed.image_sizes)
    _refuse(facts, arguments.force)
    if surveyed.broken:
        options["on_error"] = "skip"
    size = size or image_size_of(facts.side, facts.device, minutes, surveyed.image_sizes)
    labels = conditional and uses_labels(facts, asked)
    found = source(arguments.data, image_size=size, labels=labels, **options)
    alike = look.likeness(found)
    facts = Facts(len(alike.unique), facts.side, facts.classes, alike.asymmetry, *_rest(facts))
    for line in _described(surveyed, found, alike):
        tell(line)
    _refuse(facts, arguments.force)
    plan = choose(facts, asked, arguments.image_size, conditional, not arguments.no_mirror)
    parts = Parts(found, alike, arguments.seed)
    tell(f"\nPlan: {len(parts.trained):,} pictures to train on, {len(parts.held):,} that are never trained on")
    for each in plan.choices:
        tell(f"  {each.name:13} {each.value}\n{'':16}{each.why}")
    return plan, parts, options


def _rest(facts):
    return facts.device, facts.minutes, facts.image_sizes


def _refuse(facts, force):
    sentence = refusal(facts, force)
    if sentence:
        raise ValueError(sentence)


def _described(surveyed, found, alike):
    """Lines that describe the pictures."""

    def size(pair):
        return f"{pair[1]}x{pair[0]}"

    copies = found.description.count - len(alike.unique)
    colours = "grey" if surveyed.grey else "colour"
    if surveyed.transparent:
        colours += f"; {surveyed.transparent:,} with transparency, shown on the background"
    if surveyed.animated:
        colours += f"; {surveyed.animated:,} animated, of which the first frame is taken"
    sizes = size(surveyed.smallest)
    if surveyed.smallest != surveyed.largest:
        sizes += f" to {size(surveyed.largest)}; half of them {surveyed.side} pixels or more on the shorter side"
    rows = [("sizes", sizes), ("colours", colours)]
    if surveyed.broken:
        rows.append(("broken", f"{len(surveyed.broken):,} left out; the first: {surveyed.broken[0]}"))
    if surveyed.left_out:
        rows.append(("left out", f"{surveyed.left_out:,} in other formats, or beside the folders of classes"))
    rows.append(("copies", f"{copies:,} exact, trained on once; {int(alike.near.sum()):,} near-duplicates"))
    counts = surveyed.classes
    named = ", ".join(f"{name} ({count:,})" for name, count in list(counts.items())[:8])
    rows.append(("classes", f"{len(counts)}: {named}{', ...' if len(counts) > 8 else ''}" if counts else "none"))
    return [f"{surveyed.data}: {surveyed.count:,} pictures", *(f"  {name:13} {text}" for name, text in rows)]


def _words(options):
    """Picture options as command-line arguments."""
    words: list[str] = []
    for name, value in options.items():
        text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    return words


# Training -------------------------------------------------------------------------------------------------------------


def _measured(step_seconds, model, x, y):
    """Measures the seconds per step; restores the model afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(model, folder)
        seconds = step_seconds(model, x, y)
        restore_checkpoint(model, folder)
    return seconds


def _count(x):
    return x.count if hasattr(x, "count") and not isinstance(x, (list, tuple)) else len(x)


def _rounds(steps, in_epoch):
    """Division of a training: steps per epoch, if it is shorter than the data, and epochs between evaluations."""
    steps = max(1, round(steps))
    if steps < in_epoch:
        return {"steps_per_epoch": steps, "every": 1, "steps": steps}
    every = max(1, round(steps / in_epoch))
    return {"steps_per_epoch": None, "every": every, "steps": every * in_epoch}


def _trained(folder, model, x, y, parts, rounds, minutes, facts, resumed, tell):
    """Trains the model and returns the `HeldOut` callback with the results."""
    held, shown = parts.pictures(), parts.some(LOOKED_AT)
    count = len(parts.held)
    health = None
    if len(parts.trained) >= FEWEST_WATCHED:
        unseen = held if count >= FEWEST_WATCHED else None
        health = GANHealth(shown, unseen, folder, rounds["steps"], None, SAMPLES_WATCHED)
    features = "random-conv-seed0" if model.image_shape[-1] in (1, 3) else "pixels"
    judge = HeldOut(*(held, folder / BEST, rounds["every"], COMPARED, features, PATIENCE, minutes, health), tell=tell)
    position = run.resume(folder, model, ("quickstart",), **facts) if resumed else run.START
    judge.set_state(position["states"].get("HeldOut", judge.get_state()))
    if resumed and judge.elapsed >= 60 * minutes:
        tell(
            f"{folder} has been trained for {judge.elapsed / 60:.1f} minutes already. Ask for more --minutes to go on."
        )
        return judge
    tell(f"\nTraining into {folder}, with pictures of the progress in samples/. Ctrl-C stops it, --resume goes on.")
    tell("Distance: of samples from the pictures that are never trained on; smaller is better.")
    try:
        run.train(
            folder,
            model,
            x,
            y,
            epochs=2**30,
            position=position,
            sample_every=rounds["every"],
            checkpoint_every=rounds["every"],
            keep=2,
            callbacks=[*([health] if health else []), judge],
            steps_per_epoch=rounds["steps_per_epoch"],
            **facts,
        )
        tell(REASONS.get(judge.reason or "time", ""))
    except NonFiniteLoss as error:
        tell(f"The training has diverged, and the best weights before are kept: {error}")
    except (KeyboardInterrupt, Interrupted) as error:
        error.args = (f"{str(error) or 'interrupted'}; --resume continues {folder} from its last checkpoint",)
        raise
    for finding in health.findings if health else ():
        tell(f"Noticed at step {finding.step:,}: {finding.sentence} {finding.advice}")
    return judge


# Results --------------------------------------------------------------------------------------------------------------


def _finished(folder, model, judge, parts, facts, arguments, tell):
    """Writes the preset with the best weights, its card and the sheet, and prints the next steps."""
    best = load_best(model, folder / BEST)
    if best:
        tell(
            f"Best: distance {best['distance']:.4g} at step {best['step']:,}, after {best['seconds'] / 60:.1f} minutes."
        )
    held = parts.pictures()
    write_png(folder / SHEET, sheet(model, held))
    preset = folder / f"{type(model).__name__.lower()}_{_slug(arguments.data)}"[:60]
    batch = model.recipe.largest_batch
    step = best["step"] if best else int(ops.convert_to_numpy(model.iterations))
    save(
        model,
        preset,
        data=facts["data"],
        seed=facts["seed"],
        steps=step,
        kimg=round(step * batch / 1000, 1),
        minutes=round(judge.elapsed / 60, 1),
        engine=keras.backend.backend(),
        precision=facts["precision"],
        device=", ".join(keras.distribution.list_devices()),
        evaluation=_scores(model, parts, held, facts, tell),
        command=shlex.join(["kerasgan", *(word for word in arguments.words if word != "--resume")]),
    )
    sampled = shlex.quote(str(preset))
    classes = f" --labels {shlex.quote(model.class_names[0])}" if model.class_names else ""
    tell(f"\n{folder / SHEET}: held-out pictures on the left, samples on the right")
    tell(f"{preset}: the model, with a card (README.md)\n\nNext")
    for command in (
        f"kerasgan play {sampled}",
        f"kerasgan sample {sampled}{classes} -o samples.png",
        f"kerasgan walk {sampled} -o walk.gif",
        f"kerasgan export {sampled} generator.onnx",
        f"kerasgan quickstart {shlex.quote(str(arguments.data))} --out {shlex.quote(str(folder))} --resume --minutes "
        f"{2 * facts['quickstart']['minutes']:g}",
    ):
        tell(f"  {command}")


def _scores(model, parts, held, facts, tell):
    """The scores for a preset's card, or `None` if there are too few pictures."""
    name, data = facts["data"]["name"], facts["data"]
    try:
        if evaluate.resolve(name)[0] == "own" and "test" in evaluate._splits(name):
            return measure(model, name, trained=data)
        if len(parts.held) < FEWEST:
            return None
        features = "random-conv-seed0" if model.image_shape[-1] in (1, 3) else "pixels"
        other = parts.some(5_000)
        label = f"{name}/held-out pictures"
        evaluator = Evaluator(held, other, SAMPLES, features, None, 0, label)
        drawn = model.sample(evaluator.count, 0, **model.conditions.named(evaluator.labels))
        report = evaluator.report(evaluator(np.clip(drawn, -1, 1), evaluator.labels))
    except (ValueError, FileNotFoundError) as error:
        tell(f"The preset is written without scores: {error}")
        return None
    scores = {
        score: {key: entry[key] for key in ("title", "control", "ours", "ceiling")}
        for score, entry in report["scores"].items()
    }
    about = (
        f"Control: a Gaussian fitted to training pictures; ceiling: training pictures. {evaluator.protocol}. The "
        f"{len(parts.held)} held-out pictures were never trained on, but they chose the step whose weights were kept."
    )
    settings = {"data": name, "split": "held-out", "features": features, "count": evaluator.count, "seed": 0}
    return {**settings, "scores": scores, "about": about}


def sheet(model, held):
    """Draws held-out pictures next to samples of the same classes, as one picture.

    Args:
        model: The model.
        held: Pictures, or a tuple (pictures, labels).

    Returns:
        A uint8 array of shape (height, width, 3).
    """
    from PIL import Image, ImageDraw, ImageFont

    real, labels = held if isinstance(held, tuple) else (held, None)
    real, labels = real[:SHOWN], None if labels is None else labels[:SHOWN]
    columns = int(np.ceil(np.sqrt(len(real))))
    drawn = model.sample(len(real), 0, **model.conditions.named(labels))
    sides = [
        np.repeat(side, 4 - side.shape[-1], axis=-1) if side.shape[-1] == 1 else side
        for side in (model.sample_kind.sheet(each, columns) for each in (real, drawn))
    ]
    gap, above = 16, 20
    height, width = sides[0].shape[:2]
    page = Image.new("RGB", (2 * width + 3 * gap, height + above + gap), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default_imagefont()
    for place, (side, title) in enumerate(zip(sides, ("real, never trained on", "samples"), strict=True)):
        left = gap + place * (width + gap)
        pen.text((left, 5), title, fill="black", font=font)
        page.paste(Image.fromarray(side), (left, above))
    return np.asarray(page)
