"""The command line: trains, samples and exports; each command is a few calls of the package."""

import argparse
import dataclasses
import importlib
import itertools
import logging
import math
import os
import re
import shlex
import sys
import tempfile
import textwrap
import traceback
import warnings
from pathlib import Path
from typing import Any

from kerasgan.commands.options import add_picture_options, add_truncation, noise, option
from kerasgan.commands.options import positive as _positive

# Errors of TensorFlow's collectives when another process is gone.
LOST_PEER = ("UnavailableError", "AbortedError", "CancelledError", "DeadlineExceededError", "InternalError")
# The same as kerasgan.export.FORMATS and SYNONYMS, and kerasgan.distribute.NAMES, which need an engine.
FORMATS, SYNONYMS = ("savedmodel", "onnx", "litert", "keras"), ("tflite", "saved_model")
STRATEGIES = ("auto", "none", "mirrored", "multi_worker", "tpu")
ADAPTED = 4096  # number of images, evenly spread over data that are not in memory, to adapt a model to
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


def main(argv=None):
    """Runs a command.

    Args:
        argv: Arguments of the command line. Defaults to those of the process.

    Returns:
        Exit code: 0; 2 after an error, which is one line on standard error; 75 after a SIGTERM and 130 after a Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _print_warning
            arguments = command_parser().parse_args(argv, argparse.Namespace(words=argv))
            if not getattr(arguments, "without_engine", False):
                _start_engine(quiet="--debug" not in argv)
            _import(arguments.modules)
            return arguments.command(arguments) or 0
    except (Exception, KeyboardInterrupt) as error:
        if "--debug" in argv:
            traceback.print_exc()
        print(f"kerasgan: {_sentence(error)}", file=sys.stderr)
        return getattr(error, "exit_code", 130 if isinstance(error, KeyboardInterrupt) else 2)


def _import(modules):
    """Imports modules given by the user, for the families that they register."""
    for module in modules:
        sys.path.insert(0, os.getcwd())
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ValueError(
                f"--import {module}: {error}. Pass a module name as Python imports it, such as began or my.families."
            ) from error
        finally:
            sys.path.remove(os.getcwd())


def _start_engine(quiet):
    """Imports the engine and all families, without TensorFlow's messages about missing GPUs."""
    import kerasgan

    if not quiet or "tensorflow" in sys.modules or "jax" in sys.modules:
        kerasgan.AdversarialModel  # noqa: B018
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # the first messages ignore this
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # hides advice on tf.function
    before = os.dup(2)
    with tempfile.TemporaryFile() as said:
        try:
            sys.stderr.flush()
            os.dup2(said.fileno(), 2)
            kerasgan.AdversarialModel  # noqa: B018
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # searches for GPUs
        except BaseException:
            said.seek(0)
            os.write(before, said.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


def _print_warning(message, *_, **__):
    print(f"kerasgan: warning: {_one_line(message)}", file=sys.stderr)


def _sentence(error):
    """An error on one line, with its type if the message is not intended for users."""
    if isinstance(error, KeyboardInterrupt):
        return _one_line(error) or "interrupted"
    if isinstance(error, (ValueError, OSError, ArithmeticError)) or type(error) is RuntimeError:
        return _one_line(error)
    if hasattr(error, "exit_code"):
        return _one_line(error)
    return f"{type(error).__name__}: {textwrap.shorten(str(error), 300)} (--debug shows where)"


def _one_line(message):
    return " ".join(str(message).split())


# The commands --------------------------------------------------------------------------------------------------------


def train(arguments):
    """Trains a family on a data set, into a run's folder."""
    from kerasgan import distribute, run
    from kerasgan.callbacks import Interrupted, Progress
    from kerasgan.commands.families import family_of
    from kerasgan.pictures.lock import check_unlocked

    family = family_of(arguments.family)
    name = re.sub(r"[^\w.+-]+", "-", arguments.data.strip("/"))
    folder = Path(arguments.out or f"runs/{arguments.family}-{name}")
    if arguments.resume == "always":
        run.read_run(folder)
    strategy = distribute.strategy(arguments.strategy, arguments.devices)
    if not arguments.dry_run and distribute.is_chief():
        check_unlocked(folder)
        _check_empty(folder, arguments.resume)
    with strategy.scope():
        x, y, model, facts = prepared(arguments)
    count = _count(x, y)
    batch_size = min(model.recipe.largest_batch, count)
    steps = count // batch_size
    epochs = arguments.epochs or math.ceil(1000 * arguments.kimg / (steps * batch_size))
    if arguments.dry_run:
        _dry_run(model, x, y, epochs * steps)
        return
    _try_to_write(folder)
    resumed = arguments.resume and (folder / "run.json").exists()
    position = run.resume(folder, model, arguments.allow_change, **facts) if resumed else run.START
    epoch = position["epoch"]
    if epoch >= epochs and (folder / "model.keras").exists():
        print(f"{folder} has been trained for {epoch} epochs already. Ask for more --epochs to go on.")
        _write_preset(folder, arguments)
        return
    every = max(1, epochs // 20)
    progress = Progress()
    progress.console.print(
        f"{family.__name__} on {arguments.data}, {_longest(x):,} {model.data_specs()[0]}: "
        f"epochs {epoch + 1} to {epochs} of {steps} steps of {batch_size}, into {folder}",
        highlight=False,
        soft_wrap=True,
    )
    try:
        run.train(
            folder,
            model,
            x,
            y,
            epochs=epochs,
            position=position,
            sample_every=arguments.sample_every or every,
            checkpoint_every=arguments.checkpoint_every or every,
            checkpoint_every_steps=arguments.checkpoint_every_steps,
            keep=arguments.keep,
            callbacks=[progress] if model.is_chief else [],
            **facts,
        )
    except (KeyboardInterrupt, Interrupted) as error:
        error.args = (f"{str(error) or 'interrupted'}; --resume continues {folder} from its last checkpoint",)
        raise
    except Exception as error:
        if model.has_peers and type(error).__name__ in LOST_PEER:
            raise RuntimeError(
                f"Another worker has stopped answering ({type(error).__name__}). Check its log and restart all "
                f"workers; --resume continues {folder} from its last checkpoint."
            ) from error
        raise
    finally:
        progress.close()
    if model.is_chief:
        _write_preset(folder, arguments)


def _check_empty(folder, resume):
    """Refuses to start a run in a folder with files that it could overwrite or remove."""
    there = [each.name for each in folder.iterdir() if not each.name.startswith(".")] if folder.is_dir() else []
    if not there or (resume and "run.json" in there):
        return
    if resume:
        raise FileExistsError(
            f"{folder} contains {', '.join(sorted(there)[:3])} but no run.json, so it cannot be resumed, and a new "
            "run would overwrite it. Restore run.json, move the folder, or use another one with --out."
        )
    raise FileExistsError(f"{folder} is not empty. Continue with --resume, or train in another folder with --out.")


def _write_preset(folder, arguments):
    """Writes the preset of a finished run, if requested."""
    if arguments.preset_out:
        from kerasgan.studies.presets import save_run

        words = [word for word in arguments.words if word not in ("--resume", "always", "auto")]
        save_run(folder, arguments.preset_out, shlex.join(["kerasgan", *words]))
        print(arguments.preset_out)


def _try_to_write(folder):
    """Raises an error if a folder cannot be written, before hours of work are done for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def launch(arguments):
    """Trains on several workers of this machine: starts, monitors and stops them."""
    from kerasgan.commands.launch import launch

    command = [part for part in arguments.arguments if part != "--"]
    return launch(arguments.workers, command, arguments.restarts, arguments.logs)


def prepared(arguments, select=None):
    """Returns the data, the compiled model, and the facts of `run.json` about both.

    Args:
        arguments: Arguments of `train`.
        select: Function from the `kerasgan.data.load.Source` to the examples to train on.
    """
    import numpy as np

    from kerasgan import run
    from kerasgan.commands import settings
    from kerasgan.commands.families import family_of
    from kerasgan.commands.options import picture_options
    from kerasgan.commands.trained import trained
    from kerasgan.data.kinds.texts import kind_of_captions
    from kerasgan.data.load import source
    from kerasgan.data.pipeline import ArrayBatches
    from kerasgan.game.arguments import REQUIRED, constructor_arguments
    from kerasgan.game.freezing import freeze_first
    from kerasgan.game.transfer import like, transfer

    family = family_of(arguments.family)
    known = constructor_arguments(family)
    chosen, changes = settings.split(family, arguments.set, arguments.recipe, sized=not arguments.start)
    chosen = settings.with_reward(chosen, arguments.data)
    if arguments.batch_size:
        changes["batch_size"] = arguments.batch_size
    origin = trained(arguments.start) if arguments.start else None
    # A family whose num_classes has no default is always conditional.
    always = known.get("num_classes", 0) is REQUIRED
    labels = bool(arguments.labels or chosen.get("num_classes") or always)
    pairs, captions = getattr(family, "as_pairs", False), getattr(family, "as_captions", None)
    split = tuple(arguments.split.split(",")) if "," in arguments.split else arguments.split
    options = picture_options(arguments) | dict(arguments.data_option)
    asked: dict[str, Any] = {"features": (captions,)} if captions else {"labels": labels}
    asked["samples"] = getattr(family, "sample_form", None)
    found = source(arguments.data, split, as_pairs=pairs, flip=arguments.flip, **asked, **options)
    if captions:
        pictures, texts = found.columns[0], found.columns[1][captions]
        kind = chosen["condition"] = kind_of_captions(chosen.get("condition", "characters"), texts.values)
        if found.is_large:  # `fit` encodes arrays, but uses batches unchanged
            texts = dataclasses.replace(texts, values=kind.encode(texts.values))
        found = dataclasses.replace(found, columns=(pictures, texts))
    found = select(found) if select else found
    x, y, first = _examples(found)
    if pairs and isinstance(first, tuple):
        chosen = {**({"target_channels": first[1].shape[-1]} if "target_channels" in known else {}), **chosen}
    elif isinstance(first, tuple) and not captions:
        largest = int(np.max(found.columns[1].values))
        chosen = {"num_classes": max(largest + 1, len(found.description.class_names)), **chosen}
    if changes.get("batch_size", 1) > _longest(x):
        raise ValueError(
            f"The batch size is {changes['batch_size']}, but split {arguments.split!r} of {arguments.data} has only "
            f"{_longest(x)} images. Use --batch-size {_longest(x)} or less."
        )
    atoms = getattr(chosen.get("reward"), "atoms", None)
    if atoms is not None and found.kind and len(atoms) != found.kind.node_types:
        raise ValueError(
            f"The reward supports {len(atoms)} types of atoms ({', '.join(atoms)}), but the graphs of "
            f"{arguments.data} have {found.kind.node_types}. Write a reward for them in Python."
        )
    shape = found.kind or (first[0] if isinstance(first, tuple) else first).shape[1:]
    run.set_random_seed(arguments.seed)
    with run.precision(arguments.precision):
        if origin is None:
            model = family(image_shape=shape, **chosen)
        else:
            model = like(family, origin, {**chosen, "image_shape": shape})
            print(f"from {arguments.start}: {transfer(origin, model)}")
        for network, count in arguments.freeze:
            if network not in model.networks:
                raise ValueError(
                    f"--freeze {network}={count}: expected one of the networks {', '.join(model.networks)}."
                )
            freeze_first(model.networks[network], count)
        model.compile(recipe=arguments.recipe, steps_per_execution=arguments.steps_per_execution, **changes)
    if isinstance(x, ArrayBatches):
        x.shuffle_seed = model.seed  # the same order as `fit` uses for arrays
    if hasattr(model, "adapt"):
        some = x
        if isinstance(x, ArrayBatches):
            some = x.rows_at(np.linspace(0, x.count - 1, min(ADAPTED, x.count)).astype(int))
        model.adapt(some[0] if isinstance(some, tuple) else some)
    facts = {"data": found.description.entries(), "seed": arguments.seed, "precision": arguments.precision}
    return x, y, model, {**facts, **({"from": arguments.start} if arguments.start else {})}


def _examples(found):
    """Returns x, y (or None) for `fit`, and the first example."""
    if found.is_large:
        batches = found.batches()
        return batches, None, batches.first(1)
    arrays = found.arrays()
    x, y = arrays if isinstance(arrays, tuple) else (arrays, None)
    x_first = {name: part[:1] for name, part in x.items()} if isinstance(x, dict) else x[:1]
    return x, y, x_first if y is None else (x_first, y[:1])


def _count(x, y):
    """Number of examples in an epoch; for two domains, that of the smaller one."""
    if hasattr(x, "count"):
        return x.count
    return _longest(x) if y is None else min(_longest(x), len(y))


def _longest(x):
    """Number of examples of x."""
    return x.counts[0] if hasattr(x, "counts") else len(next(iter(x.values())) if isinstance(x, dict) else x)


def _dry_run(model, x, y, steps):
    from rich.console import Console

    from kerasgan.commands import summary

    console = Console()
    summary.print_model(model, console)
    summary.print_estimate(model, x, y, steps, console)


def sample(arguments):
    """Draws samples of a run or a preset into one picture; sounds, films and solids into a folder of files."""
    import numpy as np

    from kerasgan.commands.trained import classes_of, trained
    from kerasgan.pictures.images import columns_of, write_png

    model, count = trained(arguments.run), arguments.count
    if hasattr(model, "continue_video"):
        raise ValueError(
            f"{arguments.run} is a {type(model).__name__}, which continues films and has no samples of its own. Use: "
            f"kerasgan translate {arguments.run} FILMS -o OUT"
        )
    if not model.generates:
        raise ValueError(
            f"{arguments.run} is a {type(model).__name__}, which translates images and has no samples of its own. Use: "
            f"kerasgan translate {arguments.run} PICTURES -o OUT"
        )
    if arguments.captions:
        print(_strip(arguments, model))
        return
    classes = classes_of(arguments.labels, arguments.run, model)
    labels = np.resize(classes, count) if classes else None
    samples = model.sample(
        count, arguments.seed, labels, truncation=arguments.truncation, noise=arguments.noise, ema=not arguments.raw
    )
    if hasattr(model.sample_kind, "decode"):
        from kerasgan.pictures.files import replacing

        lines = model.sample_kind.decode(samples)
        output = Path(arguments.output).with_suffix(".txt")
        with replacing(output) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        print(output)
        return
    sheet = model.sample_kind.sheet(samples, arguments.columns or columns_of(min(len(classes), count)))
    if sheet is None:
        raise ValueError(f"Samples of {arguments.run} are {model.sample_kind}, which cannot be drawn.")
    output = Path(arguments.output)
    if model.sample_kind.file_types and (output.is_dir() or not output.suffix):
        from kerasgan.pictures.files import replacing

        digits = len(str(count - 1))
        for (number, one), ending in itertools.product(enumerate(samples), model.sample_kind.file_types):
            content = model.sample_kind.encoded(one, ending)
            with replacing(output / f"{number:0{digits}d}.{ending}") as file:
                file.write(content)
        output = output / "sheet.png"
    write_png(output, sheet)
    print(arguments.output)


def _strip(arguments, model):
    """Draws a picture for each line of a file, as a strip; returns the name of the written file."""
    from kerasgan.pictures.images import write_png
    from kerasgan.pictures.strip import strip

    if not getattr(model, "as_captions", None):
        raise ValueError(f"--captions was given, but {arguments.run} has no captions. Leave it out.")
    lines = sys.stdin if arguments.captions == "-" else Path(arguments.captions).read_text("utf-8").splitlines()
    captions = [line.strip() for line in lines if line.strip()]
    if not captions:
        raise ValueError(f"{arguments.captions} contains no captions; expected one in each line.")
    samples = model.sample(captions, arguments.seed, noise=arguments.noise, ema=not arguments.raw)
    write_png(arguments.output, strip(samples, captions, arguments.columns))
    return arguments.output


def export(arguments):
    """Writes the generator of a run or a preset for use without kerasgan."""
    from kerasgan.commands.trained import trained
    from kerasgan.export import export_as, format_of

    format = format_of(arguments.output, arguments.format)
    export_as(trained(arguments.run), arguments.output, format)
    print(arguments.output)


# Arguments -----------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser that leaves error reports to `main`."""

    def error(self, message):
        raise ValueError(f"{message} ({self.prog} --help)")


def _networks(text):
    network, equals, count = text.partition("=")
    if not equals or not count.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NETWORK=LAYERS, such as discriminator=3")
    return network, int(count)


def command_parser():
    """Returns the parser of the command line."""
    from kerasgan.commands.adder import adder
    from kerasgan.commands.augment import add_parser as add_augment_parser
    from kerasgan.commands.convert import add_parser as add_convert_parser
    from kerasgan.commands.data import add_parser as add_data_parser
    from kerasgan.commands.evaluate import add_parser as add_evaluate_parser
    from kerasgan.commands.latents import add_parser as add_latents_parser
    from kerasgan.commands.play import add_parser as add_play_parser
    from kerasgan.commands.quickstart import add_parser as add_quickstart_parser
    from kerasgan.commands.sensitivity import add_parser as add_sensitivity_parser
    from kerasgan.commands.translate import add_parser as add_translate_parser
    from kerasgan.commands.zoo import add_parser as add_zoo_parser

    count, amount = _positive(int), _positive(float)
    whole = _Parser(prog="kerasgan", description="Generative adversarial networks for Keras 3.")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    command = adder(commands)

    add_quickstart_parser(commands)
    one = command(train, "train")
    one.add_argument(
        "family", metavar="FAMILY", help="class of kerasgan.models in lower case, such as dcgan, or of --import"
    )
    one.add_argument(
        "--data",
        required=True,
        metavar="NAME",
        help="as in `kerasgan data list`, a folder, tar, TFRecord or Parquet files, a TFDS name, or hf://owner/name",
    )
    one.add_argument(
        "--data-option",
        nargs="+",
        action="extend",
        type=option,
        default=[],
        metavar="NAME=VALUE",
        help="option of kerasgan.data.load for these data: streaming=True cache=decode count=1000 degrade=grey",
    )
    one.add_argument("--split", default="train", help="part of the data (default: train); two domains: trainA,trainB")
    one.add_argument("--flip", action="store_true", help="also train on each image mirrored left to right")
    one.add_argument("--labels", action="store_true", help="train conditionally if the family supports both")
    length = one.add_mutually_exclusive_group(required=True)
    length.add_argument("--epochs", type=count, metavar="N", help="passes over the data")
    length.add_argument("--kimg", type=amount, metavar="K", help="thousands of images, rounded up to whole epochs")
    one.add_argument("--batch-size", type=count, metavar="B", help="images per step (default: the recipe's)")
    one.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="constructor argument or recipe field: width=32 loss=hinge generator_optimizer.learning_rate=1e-4",
    )
    one.add_argument("--recipe", metavar="NAME", help="one of the family's recipes, with the sizes that belong to it")
    one.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="dtype policy of the layers (default: float32)"
    )
    one.add_argument("--seed", type=int, default=0, help="seed of the initial weights and of training (default: 0)")
    one.add_argument("--out", metavar="RUN", help="folder of the run (default: runs/FAMILY-NAME)")
    one.add_argument(
        "--resume",
        nargs="?",
        const="always",
        choices=("always", "auto"),
        help="continue RUN with the same settings; auto: start it if it does not exist",
    )
    one.add_argument(
        "--allow-change",
        nargs="+",
        default=[],
        metavar="NAME",
        help="settings that may differ on --resume: recipe.loss",
    )
    one.add_argument("--preset-out", metavar="FOLDER", help="also save and score the trained model as a preset")
    one.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="auto",
        help="devices to train on (default: auto); the batch size counts the images over all of them",
    )
    one.add_argument("--devices", type=count, metavar="N", help="number of devices of the strategy 'mirrored'")
    one.add_argument("--dry-run", action="store_true", help="print networks, recipe and time needed; write nothing")
    one.add_argument("--steps-per-execution", type=count, default=1, metavar="N", help="steps per compiled call")
    one.add_argument(
        "--sample-every",
        type=count,
        metavar="N",
        help="epochs between sample grids (default: about 20 grids in a training)",
    )
    one.add_argument(
        "--checkpoint-every",
        type=count,
        metavar="N",
        help="epochs between checkpoints (default: as for --sample-every)",
    )

    one.add_argument(
        "--checkpoint-every-steps",
        type=count,
        metavar="N",
        help="additional checkpoints every N steps, within an epoch",
    )
    one.add_argument("--keep", type=count, default=3, metavar="N", help="number of checkpoints to keep (default: 3)")
    one.add_argument(
        "--from",
        dest="start",
        metavar="RUN|PRESET",
        help="start from the networks of a run or preset where they fit; its settings become the defaults",
    )
    one.add_argument(
        "--freeze",
        nargs="+",
        action="extend",
        default=[],
        type=_networks,
        metavar="NETWORK=LAYERS",
        help="freeze the first layers with weights of a network: discriminator=3 (FreezeD)",
    )
    add_picture_options(one)

    one = command(launch, "launch")
    one.add_argument("--workers", type=count, default=2, metavar="N", help="number of processes (default: 2)")
    one.add_argument(
        "--restarts", type=int, default=0, metavar="N", help="restarts of all processes from the last checkpoint"
    )
    one.add_argument(
        "--logs", default="launch-logs", metavar="DIR", help="folder with a log of each worker (default: launch-logs)"
    )
    one.add_argument("arguments", nargs=argparse.REMAINDER, metavar="-- train ...", help="the command of each worker")

    add_data_parser(commands)

    one = command(sample, "sample")
    one.add_argument("run", metavar="RUN|PRESET", help="folder of a run, or name, folder or address of a preset")
    one.add_argument("-n", "--count", type=count, default=64, metavar="N", help="number of samples (default: 64)")
    one.add_argument("--seed", type=int, default=0, help="seed of the latents (default: 0)")
    one.add_argument("--labels", metavar="CLASS,...", help="names or numbers of classes, repeated up to N")
    one.add_argument(
        "--captions", metavar="FILE", help="text file: draw a picture for each line, as a strip (-: standard input)"
    )
    add_truncation(one)
    one.add_argument(
        "--noise", default="random", type=noise, help="noise: random, fixed, none or a factor (default: random)"
    )
    one.add_argument("--raw", action="store_true", help="use the raw generator instead of the averaged one")
    one.add_argument(
        "--columns", type=count, metavar="N", help="samples per row (default: one for each class, up to 16)"
    )
    one.add_argument(
        "-o",
        "--output",
        default="grid.png",
        metavar="OUT",
        help="PNG file (default: grid.png); for sounds, films and solids also a folder, with files of each one (WAV; "
        "GIF; GLB and STL) and a picture of them all",
    )

    add_translate_parser(commands)
    add_play_parser(commands)

    one = command(export, "export")
    one.add_argument("run", metavar="RUN|PRESET", help="folder of a run, or name, folder or address of a preset")
    one.add_argument("output", metavar="OUT", help="a folder for a SavedModel, otherwise a file")
    one.add_argument(
        "--format",
        choices=(*FORMATS, *SYNONYMS),
        help="format of the output (default: from the suffix of OUT; savedmodel for a folder)",
    )

    add_augment_parser(commands)
    add_latents_parser(commands)
    add_convert_parser(commands)
    add_evaluate_parser(commands)
    add_sensitivity_parser(commands)
    add_zoo_parser(commands)
    return whole
