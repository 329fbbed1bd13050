"""`kerasgan augment`."""

from pathlib import Path

from kerasgan.commands.adder import adder
from kerasgan.commands.options import add_picture_options, picture_options, positive

CLASSIFIERS = ("cnn", "svm")  # same as kerasgan.studies.augment.CLASSIFIERS, which needs an engine


def add_parser(commands):
    """Adds `augment` to the sub-commands of a parser."""
    one = adder(commands)(augment, "augment")
    count = positive(int)
    one.add_argument("run", metavar="RUN|PRESET", help="a conditional model: folder of a run, or preset")
    one.add_argument("--data", metavar="NAME", help="labelled images (default: those that the model was trained on)")
    one.add_argument("--split", default="train", help="split for training and validation (default: train)")
    one.add_argument("--test-split", default="test", help="split to measure the accuracies on (default: test)")
    one.add_argument(
        "--per-class",
        nargs="+",
        type=count,
        default=[10, 50, 200],
        metavar="N",
        help="numbers of real images per class (default: 10 50 200)",
    )
    one.add_argument(
        "--seeds", type=count, default=10, metavar="N", help="number of trainings of each kind (default: 10)"
    )
    one.add_argument(
        "--shares",
        nargs="+",
        type=float,
        default=[0.25, 0.5, 0.75],
        metavar="S",
        help="shares of generated images to choose from (default: 0.25 0.5 0.75)",
    )
    one.add_argument("--steps", type=count, default=400, metavar="N", help="steps of each training (default: 400)")
    one.add_argument("--classifier", choices=CLASSIFIERS, default="cnn", help="classifier to train (default: cnn)")
    one.add_argument("--mirror", action="store_true", help="also mirror images in the classical augmentation")
    one.add_argument(
        "--truncation", type=float, metavar="T", help="truncation of the generated images, as for `kerasgan sample`"
    )
    one.add_argument("--out", metavar="DIR", help="folder of the report (default: runs/augment-NAME)")
    add_picture_options(one)


def augment(arguments):
    """Measures whether a model's images help a classifier with few real images; writes a report."""
    from kerasgan import zoo
    from kerasgan.commands.trained import trained as trained_model
    from kerasgan.data import load
    from kerasgan.run import read_run
    from kerasgan.studies.augment import Settings
    from kerasgan.studies.augment import augment as study

    model = trained_model(arguments.run)
    folder = Path(arguments.run)
    entries = read_run(folder) if (folder / "run.json").exists() else zoo.find(arguments.run).metadata
    trained = dict(entries.get("data") or {})
    name = arguments.data or trained.get("name")
    if not name:
        raise ValueError(f"{arguments.run} does not say what it was trained on. Pass --data.")
    options = dict(trained.get("options") or {}) if name == trained.get("name") else {}
    options.pop("class_names", None)
    options |= picture_options(arguments)
    train, test = (
        load(name, split, labels=True, as_numpy=True, **options) for split in (arguments.split, arguments.test_split)
    )
    seen = _seen(trained)
    settings = Settings(
        per_class=tuple(arguments.per_class),
        seeds=arguments.seeds,
        shares=tuple(arguments.shares),
        steps=arguments.steps,
        flip=arguments.mirror,
        classifier=arguments.classifier,
        truncation=arguments.truncation,
    )
    out = arguments.out or f"runs/augment-{folder.name}"
    facts = {
        "preset": arguments.run,
        "data": f"{name}, {arguments.split} and {arguments.test_split}",
        "trained_on": f"{trained.get('name')}, {trained.get('split')}",
    }
    options = {"seen": seen, "folder": out, **facts}
    report = _with_progress(lambda show: study(model, train, test, settings, progress=show, **options))
    for gain in report["gains"]:
        found = gain["generated"]
        print(
            f"{gain['per_class']} a class: {found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f}), "
            f"{gain['verdict']}"
        )
    print(Path(out) / "report.md")


def _seen(trained):
    """The images that a model was trained on; `None`, with a warning, if they are not on this machine."""
    import warnings

    from kerasgan.data import load
    from kerasgan.studies.measure import as_split

    if not trained.get("name"):
        return None
    options = {key: value for key, value in dict(trained.get("options") or {}).items() if key != "class_names"}
    try:
        return load(trained["name"], as_split(trained["split"]), labels=False, as_numpy=True, **options)
    except (ValueError, FileNotFoundError) as error:
        warnings.warn(f"The generator's training images were not compared with the test images: {error}", stacklevel=2)
        return None


def _with_progress(run):
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("trainings")
        return run(lambda done, total: bar.update(task, completed=done, total=total))
