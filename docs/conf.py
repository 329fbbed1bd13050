"""Settings of Sphinx. `make docs` builds the site into docs/_build/html; nothing is fetched."""

import os
import re
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import kerasgan  # noqa: E402
from docs import pages  # noqa: E402

pages.write(FOLDER)

project = "kerasgan"
author = copyright = "The kerasgan authors"
version = release = kerasgan.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"kerasgan {version}"
html_static_path: list[str] = []
highlight_language = "bash"  # blocks without a language are command lines
pygments_dark_style = "monokai"

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
smartquotes = False  # quotation marks belong to code more often than not

# Docstrings have one kind of backticks, for code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style")]

# Every reference to kerasgan must lead somewhere. Those to Python and Keras would need their indices, from the network.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!kerasgan\b).*")]


PROPERTIES: dict[str, list[str]] = {}


def without_markup(app, what, name, obj, options, lines):
    """Docstrings are plain text with code in backticks and tables in bars: asterisks and the like mean themselves."""
    code, shown = False, []
    for line in lines:
        if re.match(r" *\|.*\|$", line) and not code:
            begun = shown and shown[-1].lstrip().startswith("|")
            shown += [f"    {line}"] if begun else [re.match(" *", line)[0] + "::", "", f"    {line}"]
            continue
        parts = line.split("`")
        for index, part in enumerate(parts):
            if not code and not line.lstrip().startswith(">>>"):
                bullet = re.match(r"(\s*\* )?", part)[0] if index == 0 else ""
                parts[index] = bullet + re.sub(r"([*|])", r"\\\1", part.removeprefix(bullet))
                if index and re.match(r"\w", part):  # `Phase`s
                    parts[index] = "\\ " + parts[index]
            if index < len(parts) - 1:
                code = not code
        shown.append("`".join(parts))
        code = code and bool(line.strip())
    lines[:] = shown
    if what == "property" and "Raises:" not in shown:
        PROPERTIES[name] = shown


def with_colons(app, what, name, obj, options, lines):
    """Of a property's line, napoleon would take what stands before a colon for its type."""
    lines[:] = PROPERTIES.pop(name, lines)


def with_pages(app, name, source):
    """Links to cards and results of benchmarks, which GitHub shows as files, lead to the pages made of them."""
    up = "../" * name.count("/")

    def card(found):
        return f"]({up}families/{pages.presets()[found[1]]['family'].lower()}.md#{found[1]})"

    source[0] = re.sub(r"\]\((?:\.\./)+zoo/(\w+)/README\.md\)", card, source[0])
    source[0] = re.sub(r"\]\((?:\.\./)+benchmarks/results/([\w.-]+)\.md\)", rf"]({up}results/\1.md)", source[0])


def setup(app):
    app.connect("autodoc-process-docstring", without_markup, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", with_colons, priority=600)  # after it
    app.connect("source-read", with_pages)
