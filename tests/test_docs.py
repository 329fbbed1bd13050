"""What the documentation promises: blocks that run, links that lead somewhere, pages that are made of the code."""

import ast
import itertools
import re
import shlex
from pathlib import Path

import pytest

from docs import families_table, pages

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TUTORIALS = ("own_pictures", "small_data", "latent_space", "translation", "super_resolution", "text_to_image")
# The pages that are written by hand; `docs/pages.py` writes those in the other folders.
PAGES = sorted([*DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md")])
# What the tests shorten in the blocks that they execute: lengths of trainings, numbers of pictures, widths of networks.
# All other characters run as they are shown.
SHORT_PYTHON = {"EPOCHS": 1, "STEPS": 2, "PICTURES": 160}
SHORT_COMMANDS = {
    r"--epochs (\d+)": lambda found: f"--epochs {max(1, int(found[1]) // 60)}",  # 120 still is more than 60
    r"--kimg [\d.]+": lambda found: "--kimg 0.128",
    r"--steps \d+": lambda found: "--steps 2",
    r"--minutes \d+": lambda found: "--minutes 0.1",
    r"\bcount=\d+": lambda found: "count=128",
    r"\b(width|text_size|text_width)=\d+": lambda found: f"{found[1]}=8",
    r"\bchannel_max=\d+": lambda found: "channel_max=8",
    r"\bpretraining_steps=\d+": lambda found: "pretraining_steps=1",
    r"\bmatching_kimg=\d+": lambda found: "matching_kimg=0.064",
}


def blocks(text):
    """Blocks of code of a page in their order, (language, code)."""
    return re.findall(r"^```(python|)\n(.*?)^```$", text, flags=re.M | re.S)


def commands(text):
    """Commands of kerasgan in the blocks of a page."""
    lines = [line for language, code in blocks(text) if not language for line in code.splitlines()]
    return [line.partition("  #")[0] for line in lines if line.startswith("kerasgan ")]


def run_page(path, names):
    """Executes the blocks of a page in the current folder, shortened."""
    from kerasgan.commands.main import main

    for language, code in blocks(path.read_text()):
        if language:
            for name, value in SHORT_PYTHON.items():
                code = re.sub(rf"^{name} = \d+", f"{name} = {value}", code, flags=re.M)
            exec(compile(code, path.name, "exec"), names)
            continue
        for line in commands(f"```\n{code}```\n"):
            for pattern, shorter in SHORT_COMMANDS.items():
                line = re.sub(pattern, shorter, line)
            words = shlex.split(line)[1:]
            assert main(words) == 0, line
            for option, written in itertools.pairwise(words):
                if option in ("-o", "--out", "--picture") and "--dry-run" not in words:
                    assert Path(written).exists(), line


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["start", *(f"tutorials/{name}" for name in TUTORIALS)])
def test_blocks_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, names = DOCS / f"{name}.md", {}
    if name in ("tutorials/small_data", "tutorials/super_resolution"):  # which use the folder of another page
        own = (DOCS / "tutorials" / "own_pictures.md").read_text()
        first = next(code for language, code in blocks(own) if language)
        exec(compile(re.sub(r"^PICTURES = \d+", "PICTURES = 160", first, flags=re.M), "own_pictures.md", "exec"), {})
    run_page(path, names)


def test_commands_parse():
    from kerasgan.commands.main import command_parser

    found = [line for path in PAGES for line in commands(path.read_text())]
    assert len(found) >= 20
    for line in found:
        command_parser().parse_args(shlex.split(line)[1:])


def test_python_blocks_parse():
    for path in PAGES:
        for language, code in blocks(path.read_text()):
            if language:
                ast.parse(code, path.name)


def test_there_are_no_other_tutorials():
    """Each is executed; the guide to new families is CONTRIBUTING's, which test_contributing executes."""
    assert {path.stem for path in DOCS.glob("tutorials/*.md")} == {*TUTORIALS, "new_family"}


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    generated = {f"{folder}/" for folder in ("families", "data_sets", "results", "api")}
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", path.read_text(), flags=re.M | re.S)
    for target in re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', text):
        link, _, anchor = (target[0] or target[1]).partition("#")
        if re.match(r"\w+:", link):
            continue
        place = path if not link else (path.parent / link).resolve()
        if place.is_relative_to(DOCS) and f"{place.relative_to(DOCS).parts[0]}/" in generated:
            continue  # Sphinx checks those
        assert place.exists(), f"{path.name}: {link}"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place.read_text()), f"{path.name}: #{anchor}"


def anchors(text):
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_table_of_families_is_that_of_the_code():
    """`python -m docs.families_table` writes it."""
    assert families_table.table_in((ROOT / "README.md").read_text()) == families_table.markdown()


def test_every_family_has_a_paper():
    for family in pages.families():
        assert re.fullmatch(r".+ \d{4}", pages.short_paper(family)), family


def test_pages_of_families(monkeypatch):
    """A page names the recipe, the presets and the paper."""
    monkeypatch.setattr(pages, "phases_of", lambda family: [])
    by_name = {family.__name__: family for family in pages.families()}
    text = pages.family_page(by_name["DCGAN"])
    for wanted in ("Radford", "| `batch_size` | `128` |", 'kerasgan.load("dcgan_glyphs64")', "digits_dcgan.txt"):
        assert wanted in text
    assert "digits_cgan.txt" not in text
    assert "`paper256`" in pages.family_page(by_name["StyleGAN2"])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_every_family_shows_its_phases():
    """The tests of families state a tiny model, from which the pages read the phases."""
    missing = [family.__name__ for family in pages.families() if not pages.phases_of(family)]
    assert not missing


def test_every_data_set_has_a_page():
    for kind in pages.data_sets():
        text = pages.data_set_page(kind)
        assert text.startswith(f"# {kind.name}\n") and "| licence |" in text
        assert "## Installation" in text, kind.name
