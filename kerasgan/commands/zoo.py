"""`kerasgan zoo list`, `show`, `verify`, `measure`, `publish` and `push`."""

import re

from kerasgan.commands.adder import adder
from kerasgan.zoo import preset as presets
from kerasgan.zoo.fetch import find


def add_parser(commands):
    """Adds `zoo` to the sub-commands of a parser."""
    zoo = commands.add_parser(
        "zoo", help="Lists, shows, verifies, measures and publishes presets.", description="Trained models."
    )
    parts = zoo.add_subparsers(required=True, metavar="COMMAND")

    command = adder(parts)

    one = command(list_presets, "list")
    one.set_defaults(without_engine=True)
    one.add_argument("--markdown", action="store_true", help="print the table of the README")
    one = command(show, "show")
    one.set_defaults(without_engine=True)
    one.add_argument("preset", metavar="PRESET", help="name, folder or address")
    one = command(verify, "verify")
    one.add_argument("presets", nargs="*", metavar="PRESET", help="names, folders or addresses (default: all)")
    one.add_argument("--published", metavar="FOLDER", help="check the files of a published folder instead")
    one = command(measure, "measure")
    one.add_argument("presets", nargs="+", metavar="PRESET", help="names, or folders")
    one = command(publish, "publish")
    one.add_argument("output", metavar="OUT", help="a new folder")
    one.add_argument("--presets", nargs="+", metavar="PRESET", help="names (default: all but the classifiers)")
    one.add_argument(
        "--runtime", metavar="FOLDER", help="folder of onnxruntime-web's files (default: downloaded from npm once)"
    )
    one = command(push, "push")
    one.set_defaults(without_engine=True)
    one.add_argument("preset", metavar="PRESET", help="name or folder")
    one.add_argument("repository", metavar="OWNER/NAME", help="a model repository, created if it does not exist")
    one.add_argument("--private", action="store_true", default=None, help="make a new repository private")
    one.add_argument("--revision", metavar="BRANCH", help="branch (default: the main one)")
    one.add_argument("--pull-request", action="store_true", help="open a pull request instead of a commit")


def list_presets(arguments):
    """Lists the presets that come with the package."""
    if arguments.markdown:
        print(markdown())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = 200  # lines in a pipe are not wrapped, for searching
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("name", "family", "data", "score", "control", "ours", "ceiling", "parameters", "size"):
        right = title in ("control", "ours", "ceiling", "parameters", "size")
        table.add_column(title, no_wrap=True, justify="right" if right else "left")
    for name in presets.names():
        about = presets.read(name).metadata
        size = sum(entry["bytes"] for entry in about["files"].values())
        row = [name, about.get("family", "Classifier"), about.get("data", {}).get("name", ""), *headline(about)]
        table.add_row(*row, f"{about['parameters']:,}", f"{size / 1e6:.1f} MB")
    console.print(table)


def markdown():
    """The table of the README, with one row per GAN preset."""
    lines = [
        "| preset | family | data | score | control | ours | ceiling | size | |",
        "|---|---|---|---|---:|---:|---:|---:|---|",
    ]
    for name in presets.names():
        about = presets.read(name).metadata
        if "family" not in about:
            continue
        size = sum(entry["bytes"] for entry in about["files"].values())
        if presets.SAMPLES in about["files"]:
            shown = f'<img src="zoo/{name}/{presets.SAMPLES}" alt="samples of {name}" height="72">'
        else:  # texts are on the card
            card = presets.read(name).folder / presets.CARD
            line = re.search(r"^Samples of seed 0: (.*)\.$", card.read_text("utf-8") if card.exists() else "", re.M)
            shown = ", ".join(line[1].split(", ")[:5]) if line else ""
        cells = [f"[`{name}`](zoo/{name})", f"`{about['family']}`", about["data"]["name"], *headline(about)]
        lines.append(f"| {' | '.join(cells)} | {size / 1e6:.1f} MB | {shown} |")
    return "\n".join(lines)


def headline(metadata):
    """Title, control, ours and ceiling of a preset's first score, as strings."""
    if "test_accuracy" in metadata:
        return ["test accuracy", "", f"{metadata['test_accuracy']['label']:.4g}", ""]
    scores = (metadata.get("evaluation") or {}).get("scores")
    if not scores:
        return [""] * 4
    first = next(iter(scores.values()))
    return [
        first["title"],
        *("" if first[key] is None else f"{first[key]:.4g}" for key in ("control", "ours", "ceiling")),
    ]


def show(arguments):
    """Prints the card of a preset."""
    preset = find(arguments.preset)
    if presets.CARD not in preset.metadata["files"]:
        raise ValueError(f"The preset {arguments.preset} has no card ({presets.CARD}).")
    text = (preset.folder / presets.CARD).read_text("utf-8", errors="replace")
    print("".join(each for each in text if each.isprintable() or each in "\n\t"))  # no control characters


def verify(arguments):
    """Checks the files of presets, redraws their pictures and measures their scores again."""
    from kerasgan.studies.publish import check_published
    from kerasgan.studies.verify import verify as verified

    wrong, published = 0, arguments.published
    names = [published] if published else arguments.presets or presets.names()
    for name in names:
        sentences = check_published(name) if published else verified(name)
        wrong += bool(sentences)
        print(f"{name}: {'; '.join(sentences) or 'as published'}", flush=True)
    if wrong:
        raise ValueError(f"{wrong} of {len(names)} differ from what was published.")


def measure(arguments):
    """Measures presets again and writes the new scores on their cards."""
    from kerasgan.studies.verify import measure_again

    for name in arguments.presets:
        measure_again(name)
        print(name, flush=True)


def push(arguments):
    """Uploads a preset to the Hugging Face Hub."""
    from kerasgan.zoo import hub
    from kerasgan.zoo.card import LICENSE

    preset = find(arguments.preset)
    options = {"private": arguments.private, "revision": arguments.revision, "create_pr": arguments.pull_request}
    print(f"license: {(preset.metadata.get('license') or {}).get('name', LICENSE)}, as the card says")
    print(hub.push(preset.folder, arguments.repository, **options))


def publish(arguments):
    """Writes a folder for a web host and for TensorFlow Serving, with a gallery."""
    from kerasgan.studies.publish import publish as publish_zoo

    publish_zoo(arguments.output, arguments.presets, arguments.runtime)
    print(arguments.output)
