"""The gallery's pages: `index.html`, and `<preset>/index.html` for each preset."""

import base64
import re
import shutil
from pathlib import Path

from kerasgan.data.builders import DATASETS
from kerasgan.studies.gallery.html import Markup, data, tag
from kerasgan.zoo import preset as presets

STATIC = Path(__file__).parent / "static"
ASSETS = "assets"
SHOWN_FIRST = "wgangp_fashion"  # generator on the first page
KINDS = {
    "images": "Pictures",
    "translation": "Translations of pictures",
    "enlargement": "Enlargements of pictures",
    "prediction": "Continued films",
    "audio": "Sounds",
    "video": "Films",
    "voxels": "Solids",
    "tokens": "Texts",
    "graphs": "Molecules",
    "vectors": "Points",
}
COLUMNS = ("Score", "Baseline", "Ours", "Real data")
LICENSE = "Apache-2.0, as the package"


def write_pages(root, published):
    """Writes the pages of a published folder, from the presets' own files.

    Args:
        root: The published folder with the files of each preset.
        published: Entries of `index.json`, by the names of the presets.
    """
    root = Path(root)
    shutil.copytree(STATIC, root / ASSETS, ignore=shutil.ignore_patterns("*.html"))
    about = {name: presets.read_json(root / name / presets.METADATA) for name in published}
    for name, entry in published.items():
        page = preset_page(name, entry, about[name], root / name)
        (root / name / "index.html").write_text(page, "utf-8")
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()]
    (root / "index.html").write_text(index_page(published, about, sum(sizes)), "utf-8")


def index_page(published, about, size):
    """Returns the text of the first page.

    Args:
        published: Entries of `index.json`, by name.
        about: Contents of each preset's `metadata.json`, by name.
        size: Size of the whole folder in bytes.
    """
    live = {name: entry for name, entry in published.items() if is_live(entry)}
    cards = [card(name, entry, about[name]) for name, entry in published.items()]
    body = [
        tag(
            "header",
            tag("h1", "kerasgan: the zoo"),
            tag(
                "p",
                "Trained generators, measured on data that they have not seen. What is drawn here is drawn in this "
                "page, by this computer: nothing is sent anywhere.",
            ),
        ),
        tag(
            "main",
            generators(live, "") if live else None,
            tag(
                "section",
                tag("h2", "All models", id="all"),
                filters(published, about),
                tag("ul", cards, class_="cards", id="cards"),
                aria_labelledby="all",
            ),
            id="main",
        ),
        footer(f"{len(published)} models. With the models in all formats, this site has {megabytes(size)}. "),
    ]
    return _page("kerasgan: the zoo", body, "", live=bool(live))


def preset_page(name, entry, about, folder):
    """Returns the text of a preset's page.

    Args:
        name: Name of the preset.
        entry: Entry of the preset in `index.json`.
        about: Contents of the preset's `metadata.json`.
        folder: Folder of the preset, with its card and its exhibits.
    """
    readme = folder / presets.CARD
    card_text = _without_header(readme.read_text("utf-8")) if readme.exists() else ""
    live = {name: entry} if is_live(entry) else {}
    picture = _picture(name, entry, "", "picture") if presets.SAMPLES in entry["files"] else None
    main = [
        tag("h1", name),
        tag("p", _first_sentence(card_text), class_="lead"),
        tag("p", facts(entry, about), class_="facts"),
        _section("Samples", [picture, exhibits(entry, folder)]) if picture or entry.get("exhibits") else None,
        generators(live, "../") if live else None,
        _section("Load it", [snippet(card_text) or f'import kerasgan\n\nmodel = kerasgan.load("{name}")'], code=True),
        _section("Measured", [scores(entry, about)]),
        _section("Made by", [about["command"]], code=True, after=_costs(about)) if about.get("command") else None,
        _section("Licences", [licences(about)]),
        _section("Files", [files(entry)]),
        tag("details", tag("summary", "The whole card"), rendered(card_text), class_="card-text"),
    ]
    back = tag("header", tag("nav", tag("a", "← All models", href="../index.html"), aria_label="Site"))
    body = [back, tag("main", main, id="main", class_="preset"), footer("")]
    return _page(f"{name}: kerasgan", body, "../", live=bool(live))


# The first page -------------------------------------------------------------------------------------------------------


def card(name, entry, about):
    """An item of the list of models."""
    kind, family, source = KINDS.get(entry["kind"], entry["kind"]), entry["family"], entry["data"] or "unknown data"
    link = f"{name}/index.html"
    content = [
        tag("h3", tag("a", name, href=link)),
        tag("p", f"{family} on {source}", class_="what"),
        tag("p", kind + ("" if not entry["classes"] else f" of {len(entry['classes'])} classes"), class_="kind"),
        tag("p", headline(entry), class_="headline"),
    ]
    return tag(
        "li",
        preview(name, entry),
        tag("div", content, class_="about"),
        class_="card",
        data_kind=kind,
        data_family=family,
        data_data=source.partition("/")[0],
        data_conditional="yes" if entry["classes"] else "no",
        data_text=" ".join([name, family, source, kind, *entry["classes"]]).lower(),
    )


def preview(name, entry):
    """The preview of a model in the list: its picture, or some of its texts."""
    if presets.SAMPLES in entry["files"]:
        return _picture(name, entry, f"{name}/", "preview")
    texts = [each["text"] for each in entry.get("exhibits", []) if each["form"] == "text"]
    if texts:
        return tag("div", [tag("span", text) for text in texts[:5]], class_="preview texts")
    drawn = [each for each in entry.get("exhibits", []) if each["form"] == "drawing"]
    images = [tag("img", src=f"{name}/{each['file']}", alt=each["title"], loading="lazy") for each in drawn[:4]]
    return tag("div", images, class_="preview drawings") if images else None


def headline(entry):
    """The first score on one line."""
    if not entry["scores"]:
        return "Nothing was measured."
    first = next(iter(entry["scores"].values()))
    rest = [
        f"{word} {_number(first[key])}"
        for word, key in (("baseline", "control"), ("real data", "ceiling"))
        if first.get(key) is not None
    ]
    return [first["title"], " ", tag("strong", _number(first["ours"])), f" ({', '.join(rest)})" if rest else None]


def filters(published, about):
    """A form that filters the list by kind of samples, family, data set, conditional or not, and text."""
    entries = published.values()
    choices = {
        "kind": ("Kind of sample", [KINDS.get(entry["kind"], entry["kind"]) for entry in entries]),
        "family": ("Family", [entry["family"] for entry in entries]),
        "data": ("Data set", [(entry["data"] or "unknown data").partition("/")[0] for entry in entries]),
    }
    fields = [
        tag(
            "label",
            title,
            tag(
                "select",
                tag("option", "All", value=""),
                [tag("option", each, value=each) for each in sorted(set(values), key=str.lower)],
                name=name,
            ),
        )
        for name, (title, values) in choices.items()
    ]
    given = [tag("option", word, value=value) for value, word in (("", "All"), ("yes", "Yes"), ("no", "No"))]
    fields.append(tag("label", "Conditional", tag("select", given, name="conditional")))
    search = tag("label", "Search", tag("input", type="search", name="text", autocomplete="off"))
    reset = tag("button", "Show all", type="reset")
    count = tag("p", f"{len(published)} models", role="status", id="count")
    return tag("form", search, fields, reset, count, role="search", aria_label="Models", id="filters", hidden=True)


# Generators in the browser --------------------------------------------------------------------------------------------


def is_live(entry):
    """Whether the browser can draw samples of a model: a picture generator with supported latents."""
    return bool(entry.get("latents")) and "model.onnx" in entry["exports"]


def generators(live, up):
    """Returns the section that draws samples.

    Args:
        live: Entries of the generators, by name.
        up: Path of the site's folder from the page.
    """
    first = SHOWN_FIRST if SHOWN_FIRST in live else next(iter(live))
    folders = {name: f"{name}/" if not up else "" for name in live}
    facts = {
        name: {"folder": folders[name], **{key: entry[key] for key in ("latents", "classes", "size")}}
        for name, entry in live.items()
    }
    choices = [tag("option", name, value=name, selected=name == first) for name in live]
    weight = max(entry["exports"]["model.onnx"]["bytes"] for entry in live.values())
    controls = [
        tag("label", "Generator", tag("select", choices, id="generator"), hidden=len(live) == 1),
        tag("label", "Class", tag("select", id="class"), id="classes", hidden=True),
        tag("label", "Seed", tag("input", type="number", id="seed", min=0, max=2**31 - 1, value=0)),
        tag(
            "label",
            "Walk from this seed's samples to the next seed's",
            tag("input", type="range", id="walk", min=0, max=1, step=0.01, value=0),
        ),
        tag("button", "Next seed", type="button", id="next"),
        tag("p", "Loading …", role="status", id="state"),
    ]
    canvas = tag("canvas", id="canvas", width=8, height=6, role="img", aria_label="Samples, not drawn yet")
    return tag(
        "section",
        tag("h2", "Draw samples", id="draw"),
        tag("div", controls, class_="controls"),
        tag("div", canvas, tag("p", id="columns", class_="note"), class_="drawn"),
        tag("noscript", tag("p", f"Samples are drawn by a script, which loads a model of up to {megabytes(weight)}.")),
        data("generators", {"runtime": f"{up}onnxruntime-web/", "generators": facts}),
        id="live",
        aria_labelledby="draw",
    )


# A preset's page ------------------------------------------------------------------------------------------------------


def exhibits(entry, folder):
    """The exhibits of a model besides its picture."""
    found: dict[str, list] = {}
    for each in entry.get("exhibits", []):
        found.setdefault(each["form"], []).append(each)
    return [FORMS[form](shown, entry, folder) for form, shown in found.items()]


def _sounds(shown, entry, folder):
    return _figures(
        [
            (
                [
                    tag("img", src=each["picture"], alt=f"Spectrogram of {each['title']}", loading="lazy"),
                    tag("audio", src=each["file"], controls=True, preload="none", aria_label=each["title"]),
                ],
                each["title"],
            )
            for each in shown
        ],
        "sounds",
    )


def _films(shown, entry, folder):
    def film(each):
        still = tag("source", srcset=each["picture"], media="(prefers-reduced-motion: reduce)")
        return tag("picture", still, tag("img", src=each["file"], alt=f"Film: {each['title']}", loading="lazy"))

    return _figures([(film(each), each["title"]) for each in shown], "films")


def _solids(shown, entry, folder):
    bits = [base64.b64encode((folder / each["file"]).read_bytes()).decode() for each in shown]

    def solid(place, each):
        return [
            tag("img", src=each["picture"], alt=f"Solid: {each['title']}", loading="lazy"),
            tag("canvas", width=240, height=240, role="img", aria_label=f"Solid: {each['title']}", hidden=True),
            tag("input", type="range", min=0, max=360, value=30, aria_label=f"Turn {each['title']}", hidden=True),
        ]

    turn = tag("button", "Pause", type="button", id="turn", hidden=True)
    figures = _figures([(solid(place, each), each["title"]) for place, each in enumerate(shown)], "solids")
    return [figures, turn, data("solids", {"size": entry["size"][:3], "bits": bits})]


def _texts(shown, entry, folder):
    return tag("ul", [tag("li", each["text"] or Markup("<em>(empty)</em>")) for each in shown], class_="samples")


def _drawings(shown, entry, folder):
    return _figures(
        [
            (tag("img", src=each["file"], alt=f"Graph: {each['title']}", loading="lazy"), each["title"])
            for each in shown
        ],
        "drawings",
    )


def _captioned(shown, entry, folder):
    alt = "Picture of the sentence: "
    return _figures(
        [(tag("img", src=each["file"], alt=alt + each["title"], loading="lazy"), each["title"]) for each in shown],
        "captioned",
    )


def _pairs(shown, entry, folder):
    def pair(each):
        before, after, target = each["names"]
        pictures = [
            tag("img", src=each["after"], alt=f"{each['title']}: {after.lower()}", loading="lazy"),
            tag("img", src=each["before"], alt=f"{each['title']}: {before.lower()}", class_="before", loading="lazy"),
        ]
        label = f"{each['title']}: how much of the {before.lower()} is shown"
        slider = tag("input", type="range", min=0, max=100, value=50, aria_label=label)
        wanted = each["target"] and tag(
            "details", tag("summary", target), tag("img", src=each["target"], alt=f"{each['title']}: {target.lower()}")
        )
        return [tag("div", pictures, class_="compare"), slider, wanted]

    before, after, _ = shown[0]["names"]
    note = tag("p", f"Left of the line: {before.lower()}. Right: {after.lower()}.", class_="note")
    return [note, _figures([(pair(each), each["title"]) for each in shown], "pairs")]


FORMS = {
    **{"sound": _sounds, "film": _films, "solid": _solids, "text": _texts},
    **{"drawing": _drawings, "captioned": _captioned, "pair": _pairs},
}


def facts(entry, about):
    """One line about a model."""
    kind = KINDS.get(entry["kind"], entry["kind"])
    size = "×".join(map(str, entry["size"]))
    parts = [f"{entry['family']} on {entry['data'] or 'unknown data'}", f"{kind} of {size}"]
    parts += [f"{about['parameters']:,} parameters"] if "parameters" in about else []
    parts += [f"{len(entry['classes'])} classes: {', '.join(entry['classes'])}"] if entry["classes"] else []
    return ". ".join(parts) + "."


def scores(entry, about):
    """A table of the scores, between the baseline and real data."""
    if not entry["scores"]:
        return tag("p", "Nothing was measured.")
    rows = [
        tag(
            "tr",
            tag("th", each["title"], scope="row"),
            [tag("td", _number(each.get(key))) for key in ("control", "ours", "ceiling")],
        )
        for each in entry["scores"].values()
    ]
    head = tag("tr", [tag("th", title, scope="col") for title in COLUMNS])
    note = (about.get("evaluation") or {}).get("about", "")
    note = note.replace("Control:", "Baseline:").replace("ceiling:", "real data:")
    caption = tag("caption", f"Scores of {about['name']}", class_="quiet")
    table = tag("table", caption, tag("thead", head), tag("tbody", rows))
    return [tag("div", table, class_="wide", tabindex=0, role="region", aria_label="Scores"), tag("p", note)]


def licences(about):
    """The licences of the data and of the weights."""
    source = about.get("data") or {}
    known = DATASETS.get((source.get("name") or "").partition("/")[0])
    licence = source.get("license") or getattr(known, "license", None)
    of_data = licence if isinstance(licence, str) else "not recorded"
    given = about.get("license")
    weights = f"{given['name']}. {given['text']}" if given else LICENSE
    return tag("dl", tag("dt", "Data"), tag("dd", of_data), tag("dt", "Weights"), tag("dd", weights))


def files(entry):
    """Links to the files for manual download."""
    wanted = (presets.CONFIG, presets.WEIGHTS, presets.METADATA, presets.CARD, "model.onnx", "model.tflite")
    sizes = {**entry["exports"], **entry["files"]}
    links = [
        tag("li", tag("a", file, href=file), f" ({megabytes(sizes[file]['bytes'])})")
        for file in wanted
        if file in sizes
    ]
    return tag("ul", links, class_="files")


def snippet(card_text):
    """The Python code of a card; "" if there is none."""
    found = re.search(r"```python\n(.*?)```", card_text, re.DOTALL)
    return found[1].strip() if found else ""


def rendered(card_text):
    """A card's Markdown as markup, with its HTML escaped and headings one level lower."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image").render(card_text)
    made = re.sub(r"<(/?)h([1-5])>", lambda found: f"<{found[1]}h{int(found[2]) + 1}>", made)
    return Markup(
        made.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    )


# Parts of pages -------------------------------------------------------------------------------------------------------


def footer(start):
    """The end of a page."""
    return tag(
        "footer",
        tag("p", start, "Pages, pictures and models are files of this host; no other host is asked for anything."),
    )


def megabytes(size):
    """Formats a number of bytes."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def _page(title, body, up, live=False):
    runtime = "; worker-src 'self' blob:" if live else ""
    page = (STATIC / "page.html").read_text("utf-8")
    for name, value in (("title", title), ("up", up), ("assets", ASSETS), ("more", runtime), ("body", "".join(body))):
        page = page.replace(f"{{{{{name}}}}}", value)
    return page


def _section(title, content, code=False, after=None):
    id = re.sub(r"\W+", "-", title.lower())
    if code:
        copied = tag("code", *content, id=f"{id}-code")
        button = tag("button", "Copy", type="button", class_="copy", data_copies=f"{id}-code", hidden=True)
        content = [
            tag(
                "div", tag("pre", copied, tabindex=0, role="region", aria_label=f"{title}: code"), button, class_="code"
            )
        ]
    return tag("section", tag("h2", title, id=id), content, tag("p", after) if after else None, aria_labelledby=id)


def _picture(name, entry, folder, style):
    kind = KINDS.get(entry["kind"], entry["kind"]).lower()
    alt = f"{kind} by {name}, a {entry['family']} trained on {entry['data'] or 'unknown data'}"
    return tag("img", src=f"{folder}{presets.SAMPLES}", alt=alt, class_=style, loading="lazy" if folder else None)


def _figures(shown, style):
    items = [tag("figure", content, tag("figcaption", title)) for content, title in shown]
    return tag("div", items, class_=f"figures {style}")


def _costs(about):
    parts = [f"Seed {about['seed']}"] if about.get("seed") is not None else []
    parts += (
        [f"{about['minutes']:.0f} minutes on {about.get('device', 'one core of a CPU')}"] if "minutes" in about else []
    )
    return f"{', '.join(parts)}." if parts else None


def _first_sentence(card_text):
    found = re.search(r"^A trained .*$", card_text, re.MULTILINE)
    return found[0].replace("`", "") if found else ""


def _without_header(card_text):
    """A card without the metadata for model hubs at its beginning."""
    return re.sub(r"\A---\n.*?\n---\n", "", card_text, count=1, flags=re.DOTALL)


def _number(value):
    return "" if value is None else f"{value:.4g}"
