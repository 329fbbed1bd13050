"""Pages that are written from the code: one for each family and data set, and the API reference.

They are written whenever the site is built (`write`), and git ignores them. What they say is what the code says:
docstrings, recipes, phases of a compiled model, cards of presets, results of benchmarks, and facts of data sets.
"""

import dataclasses
import functools
import importlib
import inspect
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
LONGEST = 24_000  # characters of a result that is shown; longer ones are linked only

# Title, module, and names (None for all of its `__all__`) of the pages of the API reference.
API: dict[str, list[tuple[str, tuple[str, ...] | None]]] = {
    "Models": [
        ("kerasgan.game.model", ("AdversarialModel",)),
        ("kerasgan.bases.latent", ("GenerativeModel", "LatentModel", "LatentRecipe")),
        ("kerasgan.bases.translation", ("TranslationModel", "TranslationRecipe")),
        ("kerasgan.bases.unpaired", ("UnpairedModel", "UnpairedRecipe")),
        ("kerasgan.bases.super_resolution", ("SuperResolutionModel", "SuperResolutionRecipe")),
        ("kerasgan.bases.captions", ("CaptionModel", "CaptionRecipe")),
        ("kerasgan.bases.encoding", ("EncodingModel",)),
        ("kerasgan.bases.heads", ("HeadedModel",)),
        ("kerasgan.bases.styles", ("StyleModel",)),
        ("kerasgan.bases.growing", ("GrowingModel", "GrowingRecipe")),
        ("kerasgan.bases.tiles", ("Tiles",)),
    ],
    "Games and recipes": [
        ("kerasgan.game.phase", ("Batch", "Phase", "Kimg", "Between", "Moment", "shared")),
        ("kerasgan.game.recipe", ("Recipe", "Optimizer", "Adam", "RMSprop", "SGD")),
        ("kerasgan.game.schedules", ("Schedule", "Cosine", "Exponential", "Steps", "Stairs")),
        ("kerasgan.game.optimizers", ("ScheduledAdam", "RestartedAdam", "FlooredDecay", "MomentumRampSGD")),
        ("kerasgan.game.freezing", ("freeze_first",)),
        ("kerasgan.game.transfer", ("like", "transfer")),
    ],
    "Losses": [
        ("kerasgan.objectives.losses", None),
        ("kerasgan.objectives.contrastive", ("patch_nce",)),
        ("kerasgan.objectives.perceptual", ("perceptual_distance", "perceptual_features")),
    ],
    "Penalties": [("kerasgan.objectives.penalties", None)],
    "Augmentation": [("kerasgan.augment", None)],
    "Layers": [("kerasgan.layers", None)],
    "Data": [
        ("kerasgan.data", None),
        ("kerasgan.data.kinds", None),
        ("kerasgan.data.degradation", None),
        ("kerasgan.data.builders.base", ("LocalDataset", "ProceduralDataset", "PackagedDataset", "tfds_builder")),
        ("kerasgan.data.builders.features", None),
    ],
    "Metrics": [("kerasgan.metrics", None)],
    "Callbacks": [("kerasgan.callbacks", None)],
    "Latent space": [("kerasgan.latent_space", None)],
    "Presets": [("kerasgan.zoo", None)],
    "Export": [("kerasgan.export", None)],
    "Runs and devices": [
        ("kerasgan.run", ("train", "resume", "load_run", "read_run", "set_random_seed", "precision", "Run")),
        ("kerasgan.distribute", ("strategy", "is_chief")),
    ],
    "Pictures": [
        ("kerasgan.pictures.images", ("grid", "write_png", "encode_png")),
        ("kerasgan.pictures.films", ("write_film",)),
    ],
    "Studies": [
        ("kerasgan.studies.sensitivity", None),
        ("kerasgan.studies.tuning", ("HyperGAN", "Tuner", "search")),
        ("kerasgan.studies.publish", ("publish",)),
        ("kerasgan.studies.verify", ("verify",)),
    ],
    "Tests of families": [("kerasgan.testing", None)],
}


def write(folder):
    """Writes all pages into a folder of sources of Sphinx."""
    written = {}
    for family in families():
        written[f"families/{family.__name__.lower()}.md"] = family_page(family)
    written["families/index.md"] = families_index()
    for kind in data_sets():
        written[f"data_sets/{kind.name}.md"] = data_set_page(kind)
    written["data_sets/index.md"] = data_sets_index()
    documented = set(families()) | {type(family.recipe) for family in families()}
    for title, parts in API.items():
        written[f"api/{slug(title)}.md"] = api_page(title, parts, documented)
    for path in sorted(RESULTS.rglob("*.md")):
        written[f"results/{path.name}"] = result_page(path)
    written["results/index.md"] = results_index()
    written["api/index.md"] = api_index()
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # Sphinx reads again only what has changed
            path.write_text(text, encoding="utf-8")
    for old in {path for name in ("families", "data_sets", "results", "api") for path in (folder / name).glob("*.md")}:
        if old.relative_to(folder).as_posix() not in written:
            old.unlink()


def slug(title):
    """A title as the name of a file."""
    return title.lower().replace(" ", "_")


def table(titles, rows):
    """A table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


# Families ------------------------------------------------------------------------------------------------------------


def families():
    """The classes of all families, in alphabetical order."""
    from kerasgan import models

    return sorted((getattr(models, name) for name in models.__all__), key=lambda family: family.__name__.lower())


def module_of(family):
    """The module of a family."""
    return importlib.import_module(family.__module__)


def stem_of(family):
    """Name of the file of a family, without its ending."""
    return family.__module__.rpartition(".")[2]


def summary(thing):
    """First line of a docstring."""
    return (inspect.getdoc(thing) or "").splitlines()[0]


def paper(family):
    """Authors, year and title of a family's paper, as its module's first line names them."""
    first = summary(module_of(family))
    found = re.fullmatch(r"[^(]*\((.*)\)\.", first)
    return found[1] if found else first.rstrip(".")


def short_paper(family):
    """First author and year of a family's paper: "Radford et al. 2016"."""
    found = re.search(r"\(?([^()\";:]*?) (\d{4})", summary(module_of(family)).partition("(")[2])
    if not found:
        return ""
    authors, year = found[1].strip(), found[2]
    first, *others = re.split(r", | & ", authors)
    return f"{first} et al. {year}" if len(others) > 1 else f"{authors} {year}"


@functools.cache
def presets():
    """Metadata of the presets of families, by their names."""
    from kerasgan.zoo import preset

    found = {name: preset.read(name).metadata for name in preset.names()}
    return {name: about for name, about in found.items() if "family" in about}


def presets_of(family):
    """Metadata of the presets of a family, by their names."""
    return {name: about for name, about in presets().items() if about["family"] == family.__name__}


@functools.cache
def results():
    """Texts that benchmarks have written, by the names of the families' files that they belong to."""
    stems = sorted({stem_of(family) for family in families()}, key=len, reverse=True)
    found: dict[str, list[Path]] = {}
    for path in sorted([*RESULTS.rglob("*.txt"), *RESULTS.rglob("*.md")]):
        for stem in stems:  # the longest first: wgan_gp.txt is not wgan's
            if f"_{path.stem}_".startswith(f"_{stem}_") or f"_{path.stem}_".endswith(f"_{stem}_"):
                found.setdefault(stem, []).append(path)
                break
    return found


def results_of(family):
    """Results of benchmarks of a family."""
    return results().get(stem_of(family), [])


@functools.cache
def measured():
    """Heading and paragraph of measured.md about families, by the names in the heading."""
    text = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")
    part = text.partition("\n## Families\n")[2].partition("\n## ")[0]
    found = {}
    for heading, body in re.findall(r"^### (.*?)\n(.*?)(?=^### |\Z)", part, flags=re.M | re.S):
        for name in re.findall(r"`(\w+)`", heading):
            found[name] = heading, body.strip()
    return found


def measured_anchor(family):
    """Anchor of the heading of a family in measured.md, as GitHub and MyST make it."""
    return re.sub(r"[^\w -]", "", measured()[family.__name__][0].lower()).replace(" ", "-")


@functools.cache
def tiny_cases():
    """The tiny models that the tests of families state, by family."""
    found = {}
    for path in sorted((ROOT / "tests" / "models").glob("test_*.py")):
        module = importlib.import_module(f"tests.models.{path.stem}")
        for test in vars(module).values():
            case = inspect.getclosurevars(test).nonlocals.get("case") if hasattr(test, "pytestmark") else None
            if case is not None:
                ours = (kind for kind in case.family.__mro__ if kind.__module__.startswith("kerasgan."))
                found.setdefault(next(ours), case)
    return found


def phases_of(family):
    """The phases of a step under the family's recipe; an empty list if no test states a model."""
    case = tiny_cases().get(family)
    if case is None:
        return []
    model = family(**case.constructor_arguments())
    try:
        model.compile()
    except ValueError:  # a recipe that the tiny model cannot have
        model.compile(**case.recipe)
    return list(model.game)


def when(phase):
    """When a phase runs, in words."""
    from kerasgan.game.phase import Between

    every = phase.every
    if isinstance(every, Between):
        words = f"from step {every.start:,}" if every.end is None else f"from step {every.start:,} to {every.end:,}"
    elif callable(every):
        words = "as its condition says"
    else:
        words = "each step" if every == 1 else f"every {every} steps"
    if phase.during is not None:
        end = "" if phase.during.end is None else f" to {phase.during.end:g}"
        words += f", from {phase.during.start:g}{end} thousand images"
    return words + (", when its condition holds" if phase.when is not None else "")


def meanings(recipe):
    """First sentences of the entries of a recipe's docstrings, by field."""
    found: dict[str, str] = {}
    for kind in reversed(type(recipe).__mro__):
        text = textwrap.dedent(inspect.cleandoc(kind.__doc__ or "")).partition("Args:\n")[2]
        text = re.split(r"^\S", text, maxsplit=1, flags=re.M)[0]
        for name, body in re.findall(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", text, flags=re.M | re.S):
            sentence = re.split(r"(?<=[.])\s(?=[A-Z`\"])", " ".join(body.split()), maxsplit=1)[0]
            found[name] = sentence
    return found


def family_page(family):
    """The page of a family, in Markdown."""
    from kerasgan.commands.summary import brief

    name = family.__name__
    path = Path(inspect.getfile(family)).relative_to(ROOT)
    said = meanings(family.recipe)
    fields = dataclasses.fields(family.recipe)
    lines = [
        f"# {name}",
        f"{summary(family)}\n\n**Paper:** {paper(family)}.\n\n**Source:** [{path}](../../{path})\n\n"
        f"**Command line:** `kerasgan train {name.lower()} --data NAME --epochs N`",
    ]
    if presets_of(family):  # pictures first
        lines.append("## Presets")
        lines += [preset_section(each, about) for each, about in presets_of(family).items()]
    lines += [
        "## Recipe",
        "`compile()` without arguments applies these settings; each can be changed by its name, in Python "
        "(`compile(batch_size=32)`) and on the command line (`--set batch_size=32`).",
        table(
            ("field", "value", "meaning"),
            [
                (f"`{each.name}`", f"`{brief(getattr(family.recipe, each.name))}`", said.get(each.name, ""))
                for each in fields
            ],
        ),
    ]
    if family.recipes:
        changes = {
            chosen: ", ".join(f"`{field}={brief(value)}`" for field, value in given.items())
            for chosen, given in family.recipes.items()
        }
        lines += [
            "## Named recipes",
            f'`compile(recipe="{next(iter(family.recipes))}")`, or `--recipe {next(iter(family.recipes))}`, changes:',
            table(("name", "changes"), [(f"`{chosen}`", text or "nothing") for chosen, text in changes.items()]),
        ]
    phases = phases_of(family)
    if phases:
        rows = [(f"`{each.name}`", ", ".join(f"`{n}`" for n in each.trains), when(each)) for each in phases]
        lines += ["## Phases of a step", table(("phase", "trains", "runs"), rows)]
    if name in measured() or results_of(family):
        lines.append("## Measured")
        if name in measured():
            text = measured()[name][1].replace("](#", "](measured.md#")
            lines.append(re.sub(r"\]\((?!\w+:)", "](../", text))
        lines += [result_section(each) for each in results_of(family)]
    lines += ["## Reference", autodoc(family, f"kerasgan.{name}")]
    first = next(each for each in families() if type(each.recipe) is type(family.recipe))  # documented once
    if type(family.recipe).__module__ == family.__module__ and first is family:
        lines.append(autodoc(type(family.recipe), f"{family.__module__}.{type(family.recipe).__name__}"))
    return "\n\n".join(lines) + "\n"


def preset_section(name, about):
    """A preset with its picture, scores and training command, in Markdown."""
    scores = (about.get("evaluation") or {}).get("scores") or {}
    rows = [
        (
            each["title"],
            *("" if each.get(key) is None else f"{each[key]:.4g}" for key in ("control", "ours", "ceiling")),
        )
        for each in scores.values()
    ]
    size = sum(entry["bytes"] for entry in about["files"].values()) / 1e6
    lines = [
        f"### {name}",
        f'`kerasgan.load("{name}")`: {about["data"]["name"]}, {about["parameters"]:,} parameters, {size:.1f} MB; '
        f"trained for {about['minutes']:.0f} minutes on `{about['device']}`.",
    ]
    pictures = [file for file in ("samples.gif", "samples.png") if file in about["files"]]
    lines += [f"![samples of {name}](../../zoo/{name}/{file})" for file in pictures]
    if rows:
        lines.append(table(("score", "control", "ours", "ceiling"), rows))
    if about.get("limits"):
        lines.append(about["limits"])
    if about.get("command"):
        lines.append(f"```\n{about['command']}\n```")
    return "\n\n".join(lines)


def result_section(path):
    """A result of a benchmark as it was written."""
    place = f"../../{path.relative_to(ROOT).as_posix()}"
    text = path.read_text(encoding="utf-8").strip()
    pictures = sorted(path.parent.glob(f"{path.stem}*.png"))
    shown = "\n\n".join(
        f"![{each.stem.replace('_', ' ')}](../../{each.relative_to(ROOT).as_posix()})" for each in pictures
    )
    lines = [f"### {path.name}", f"[{path.relative_to(ROOT).as_posix()}]({place})"]
    if path.suffix == ".txt" and len(text) <= LONGEST:
        lines.append(f"````text\n{text}\n````")
    return "\n\n".join([*lines, *([shown] if shown else [])])


def result_page(path):
    """A result that a benchmark has written in Markdown, as a page."""
    text = path.read_text(encoding="utf-8")
    title = "" if text.startswith("# ") else f"# {path.stem.replace('_', ' ').capitalize()}\n\n"
    return title + re.sub(r"\]\((?!\w+:)([^)#]+)\)", r"](../../benchmarks/results/\1)", text)


def results_index():
    """The page of all results, in Markdown."""
    paths = sorted(RESULTS.rglob("*.md"))
    texts = ", ".join(
        f"[{path.name}](../../{path.relative_to(ROOT).as_posix()})" for path in sorted(RESULTS.rglob("*.txt"))
    )
    names = "\n".join(path.stem for path in paths)
    return (
        "# Results of benchmarks\n\nAs the benchmarks have written them, with the command. "
        f"[Measured](../measured.md) sums them up.\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n\n"
        f"Further results: {texts}.\n"
    )


def families_index():
    """The page of all families, in Markdown."""
    rows = [(f"[{each.__name__}]({each.__name__.lower()}.md)", short_paper(each), summary(each)) for each in families()]
    names = "\n".join(each.__name__.lower() for each in families())
    return (
        "# Families\n\nEach family is a `keras.Model`: `compile()` applies the recipe of its paper, `fit()` trains, "
        "`save()`, `save_preset()` and `export()` write it. [Which family for which job](../choose.md) helps to "
        f"choose.\n\n{table(('class', 'paper', 'what it is'), rows)}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


# Data sets -----------------------------------------------------------------------------------------------------------


def data_sets():
    """The classes of all data sets of the package."""
    from kerasgan.data.builders import DATASETS

    return list(DATASETS.values())


@functools.cache
def packages():
    """What `tools/install_data_packages.sh` says about each name: contents and sizes."""
    text = (ROOT / "tools" / "install_data_packages.sh").read_text(encoding="utf-8")
    found = re.findall(r"^#   (\w+) {2,}(.*?) {2,}(\d.*on disk)$", text, flags=re.M)
    return {name: (contents, " ".join(sizes.split())) for name, contents, sizes in found}


def data_set_page(kind):
    """The page of a data set, in Markdown."""
    first = kind(next(iter(kind.configs), None))
    lines = [f"# {kind.name}", inspect.cleandoc(kind.description)]
    picture = ROOT / "docs" / "data" / f"{kind.name}.png"
    if picture.exists():
        lines.append(f"![contact sheet of {kind.name}](../data/{kind.name}.png)")
    lines.append(f"```\nkerasgan data show {first.full_name} -o sheet.png\n```")
    lines.append(f'```python\nimages = kerasgan.data.load("{first.full_name}", as_numpy=True)\n```')
    facts = [
        ("licence", first.license),
        ("source", first.source),
        ("version", first.version),
        *([("homepage", f"<{first.homepage}>")] if first.homepage else []),
        *([("variants", ", ".join(f"`{kind.name}/{each}`" for each in kind.configs))] if kind.configs else []),
        *([("options", ", ".join(f"`{each}`" for each in options(kind)))] if options(kind) else []),
        ("kept on disk", "yes" if kind.cached else "no"),
        ("returned as x", f"`{first.sample}`"),
        *([("returned as pairs (x, y)", ", ".join(f"`{each}`" for each in first.pair))] if first.pair else []),
    ]
    lines.append(table(("", ""), facts))
    if kind.name in packages():
        contents, sizes = packages()[kind.name]
        lines += [
            "## Installation",
            f"{without_packages(kind)}The data are read from packages: {contents}; {sizes}.",
            f"```\ntools/install_data_packages.sh {kind.name}\n```",
        ]
    elif not first.requires():
        lines += ["## Installation", "Nothing needs to be installed."]
    rows = [feature_row(*each) for each in first.features.items()]
    lines += ["## Features", table(("name", "type", "shape", "meaning"), rows)]
    lines += facts_of(kind)
    if first.citation:
        lines += ["## Citation", f"```text\n{inspect.cleandoc(first.citation)}\n```"]
    return "\n\n".join(lines) + "\n"


def without_packages(kind):
    """The sentence about variants that need no packages, where others do."""
    needs = {config: bool(kind(config).packages) for config in kind.configs}
    free = [f"`{kind.name}/{config}`" for config, needed in needs.items() if not needed]
    return f"{', '.join(free)} needs no installation. " if free and len(free) < len(needs) else ""


def options(kind):
    """Names of the options of a data set."""
    return sorted({name for base in kind.__mro__ for name in vars(base).get("option_names", ())})


def feature_row(name, feature):
    """A feature of a data set, as a row."""
    names = getattr(feature, "names", None) or ()
    some = f" Classes: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}." if names else ""
    meaning = f"{feature.doc.rstrip('.')}.{some}" if feature.doc else some.strip()
    shape = "" if not feature.shape else f"({', '.join(map(str, feature.shape))})"
    return f"`{name}`", feature.dtype, shape, meaning


def facts_of(kind):
    """Numbers of examples, and what was measured of the data, in Markdown."""
    counts, near = [], []
    for config in kind.configs or (None,):
        dataset = kind(config)
        measured = dataset.facts
        found = measured.get("counts") or getattr(dataset, "counts", None) or {}
        if not found and not dataset.cached:
            found = dataset.splits()
        counts += [(f"`{dataset.full_name}`", split, f"{number:,}") for split, number in found.items()]
        for said, value in measured.get("near_duplicates", {}).items():
            near.append((f"`{dataset.full_name}`", said.replace("_", " "), value))
    lines = ["## Facts", table(("data", "split", "examples"), counts)] if counts else []
    if near:
        lines += [
            "Near duplicates, how close test examples come to training examples, as `tools/measure_data.py` measured:",
            table(("data", "", ""), near),
        ]
    return lines


def data_sets_index():
    """The page of all data sets, in Markdown."""
    rows = []
    for kind in data_sets():
        first = kind(next(iter(kind.configs), None))
        sentence = re.split(r"(?<=[.:])\s", " ".join(kind.description.split()), maxsplit=1)[0].rstrip(":")
        needs = "packages" if kind.name in packages() else ""
        rows.append((f"[{kind.name}]({kind.name}.md)", sentence, first.license, needs))
    names = "\n".join(kind.name for kind in data_sets())
    return (
        "# Data sets\n\nThese data need no network once their packages are installed; most need no package at all. "
        "`kerasgan data list` says which are ready on this machine. [Your own data](../your_data.md) describes folders "
        f"and files.\n\n{table(('name', 'contents', 'licence', 'needs'), rows)}\n\n"
        f"```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )


# API reference -------------------------------------------------------------------------------------------------------


def autodoc(thing, name):
    """The directive that documents a class or a function."""
    import keras

    if not inspect.isclass(thing):
        return f"```{{eval-rst}}\n.. autofunction:: {name}\n```"
    shown, members = "", "" if issubclass(thing, tuple) else "\n   :members:"
    if issubclass(thing, (keras.Model, keras.layers.Layer)):  # whose metaclasses and __new__ hide their arguments
        parameters = list(inspect.signature(thing.__init__).parameters.values())[1:]
        shown = str(inspect.Signature(parameters))
    return f"```{{eval-rst}}\n.. autoclass:: {name}{shown}{members}\n```"


def api_page(title, parts, documented):
    """A page of the API reference, in Markdown.

    Args:
        title: Title of the page.
        parts: Modules and names, as in `API`.
        documented: Set of what other pages document, which grows by this page.
    """
    lines = [f"# {title}"]
    for name, names in parts:
        module = importlib.import_module(name)
        lines += [f"## {name}", summary(module)]
        if names is None:
            names = getattr(module, "__all__", None) or [
                each for each, value in vars(module).items() if getattr(value, "__module__", "") == name
            ]
        for each in names:
            thing = getattr(module, each)
            documentable = (inspect.isclass(thing) or inspect.isroutine(thing)) and inspect.getdoc(thing)
            if documentable and thing not in documented:
                documented.add(thing)
                lines.append(autodoc(thing, f"{name}.{each}"))
    return "\n\n".join(lines) + "\n"


def api_index():
    """The first page of the API reference, in Markdown."""
    names = "\n".join(map(slug, API))
    return (
        "# API reference\n\nThe families are in [Families](../families/index.md). `kerasgan.losses` and "
        "`kerasgan.penalties` are short for `kerasgan.objectives.losses` and `kerasgan.objectives.penalties`; "
        "`kerasgan.schedules`, `kerasgan.optimizers`, `kerasgan.images`, `kerasgan.tuning` and `kerasgan.engines` are "
        f"short likewise.\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    )
