"""Writes README's table of families: `python -m docs.families_table`."""

from docs import pages

README = pages.ROOT / "README.md"
BEGIN, END = "<!-- families -->", "<!-- /families -->"


def markdown():
    """A row for each family: class, paper, what it is, and where its numbers and presets are."""
    rows = []
    for family in pages.families():
        places = []
        if family.__name__ in pages.measured():
            places.append(f"[numbers](docs/measured.md#{pages.measured_anchor(family)})")
        places += [f"[{name}](zoo/{name})" for name in pages.presets_of(family)]
        what = pages.summary(family).rstrip(".")
        rows.append((f"`{family.__name__}`", pages.short_paper(family), what, ", ".join(places)))
    return pages.table(("class", "paper", "what it is", "measured"), rows)


def table_in(text):
    """The table that a text of README has."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def with_table(text):
    """A text of README with the table of the families as they are."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{markdown()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(README)
