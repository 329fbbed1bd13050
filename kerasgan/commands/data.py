"""`kerasgan data list`, `show` and `prepare`."""

from kerasgan.commands.adder import adder
from kerasgan.commands.options import add_picture_options, option, picture_options


def add_parser(commands):
    """Adds `data` to the sub-commands of a parser."""
    data = commands.add_parser("data", help="Lists, shows and prepares data.", description="Data that need no network.")
    parts = data.add_subparsers(required=True, metavar="COMMAND")

    command = adder(parts)

    def about(parser):
        parser.add_argument("name", metavar="NAME", help="as for `kerasgan train --data`")
        parser.add_argument(
            "--set",
            nargs="+",
            action="extend",
            default=[],
            type=option,
            metavar="OPTION=VALUE",
            help="option of the data set: count=1000 font_dirs=my/fonts",
        )

    command(list_datasets, "list")

    one = command(show, "show")
    about(one)
    one.add_argument("--split", default="train", help="part of the data (default: train)")
    one.add_argument("-o", "--output", default="sheet.png", metavar="FILE", help="PNG file (default: sheet.png)")
    add_picture_options(one, "of a TFDS name or a folder: resize to S x S pixels")

    one = command(prepare, "prepare")
    about(one)
    one.add_argument("--workers", type=int, metavar="N", help="number of processes (default: one for each core)")


def list_datasets(arguments):
    """Lists the data sets that need no network, and whether this machine can make them."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from kerasgan.data import cache
    from kerasgan.data.builders import DATASETS

    console = Console()
    if not console.is_terminal:
        console.width = 200  # lines in a pipe are not wrapped, for searching
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("name", "examples", "features", "licence", "source", "ready"):
        table.add_column(title, no_wrap=title in ("name", "ready"), overflow="fold")
    lacking = {}
    for kind in DATASETS.values():
        for config in kind.configs or (None,):
            dataset = kind(config)
            missing = dataset.requires()
            if missing:
                lacking[dataset.name] = missing
            about = (", ".join(dataset.features), dataset.license, dataset.source)
            table.add_row(
                dataset.full_name,
                "" if missing else " + ".join(f"{count:,}" for count in _counts(dataset).values()),
                *(about if dataset.config == next(iter(kind.configs), None) else ("", "", "")),
                "no" if missing else "yes" if cache.is_prepared(dataset) else "to prepare",
            )
    console.print(table)
    for name, sentence in lacking.items():
        console.print(f"{name}: {sentence}", markup=False, highlight=False)


def _counts(dataset):
    """Number of examples of each split; empty if it is only known after preparation."""
    from kerasgan.data import cache

    if not dataset.cached or cache.is_prepared(dataset):
        return cache.counts(dataset)
    return getattr(dataset, "counts", {})


def show(arguments):
    """Describes a data set and draws a contact sheet of it."""
    from kerasgan.data import cache
    from kerasgan.pictures.images import grid, write_png

    dataset = _local(arguments)
    if dataset is not None:
        dataset.check_requirements()
        for line in about(dataset):
            print(line)
        picture = dataset.sheet(cache.some(dataset, arguments.split, dataset.sheet_count))
    else:
        import numpy as np

        from kerasgan.data.load import source

        options = picture_options(arguments) | dict(arguments.set)
        batches = source(arguments.name, arguments.split, labels=False, **options).batches()
        picture = grid(batches.rows_at(np.arange(0, batches.count, -(-batches.count // 64))))
    write_png(arguments.output, picture)
    print(arguments.output)


def about(dataset):
    """Lines that describe a data set of kerasgan."""
    facts = dataset.facts
    counts = _counts(dataset) or facts.get("counts", {})
    yield f"{dataset.full_name} {dataset.version}: {dataset.description}"
    yield f"licence: {dataset.license}"
    yield f"source: {dataset.source}"
    if dataset.packages:
        yield f"packages: {', '.join(package.pinned for package in dataset.packages)}"
    if counts:
        yield f"examples: {' + '.join(f'{count:,} {split}' for split, count in counts.items())}"
    for name, feature in dataset.features.items():
        names = getattr(feature, "names", ())
        few = f": {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else ""
        yield f"  {name}: {feature.dtype}{list(feature.shape) if feature.shape else ''} {feature.doc}{few}"
    for name, value in facts.get("near_duplicates", {}).items():
        yield f"near duplicates, {name.replace('_', ' ')}: {value}"


def prepare(arguments):
    """Makes a data set and keeps it on disk, or downloads it if it is a TFDS data set."""
    from kerasgan.data import cache
    from kerasgan.data.load import tfds_builder_of

    dataset = _local(arguments)
    if dataset is None:
        builder = tfds_builder_of(arguments.name)
        builder.download_and_prepare()
        print(builder.data_dir)
    elif dataset.cached:
        print(cache.prepare(dataset, arguments.workers))
    else:
        print(f"{dataset.full_name} needs no preparation")


def _local(arguments):
    """The named data set of kerasgan, or None."""
    from kerasgan.data.builders import DATASETS
    from kerasgan.data.load import resolve

    kind, found = resolve(arguments.name)
    if kind == "own":
        name, config = found
        return DATASETS[name](config, **dict(arguments.set))
    if arguments.set and kind == "tfds":
        raise ValueError(
            f"{arguments.name!r} does not support options; expected one of {', '.join(DATASETS)} with them."
        )
    return None
