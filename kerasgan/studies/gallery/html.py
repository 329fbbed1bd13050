"""HTML as text: elements whose contents and attributes are escaped unless they are already markup."""

from html import escape

EMPTY = ("img", "input", "source", "br", "hr", "meta", "link")


class Markup(str):
    """Text that is already HTML."""


def text(content):
    """Converts contents to markup: text is escaped, lists are joined, `None` is omitted."""
    if content is None:
        return Markup("")
    if isinstance(content, (list, tuple)):
        return Markup("".join(map(text, content)))
    return content if isinstance(content, Markup) else Markup(escape(str(content), quote=False))


def tag(name, /, *content, **attributes):
    """Creates an element.

    Args:
        name: Name of the element, such as "p".
        *content: Texts, markup, or lists of them.
        **attributes: Values by name; a trailing `_` is removed and other `_` become `-`. `True` gives an attribute
            without a value; `None` and `False` give no attribute.
    """
    given = ""
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            given += f" {key}"
        elif value is not None and value is not False:
            given += f' {key}="{escape(str(value))}"'
    inside = text(content)
    return Markup(f"<{name}{given}>" if name in EMPTY else f"<{name}{given}>{inside}</{name}>")


def data(id, value):
    """JSON for the scripts of the page."""
    import json

    content = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="{escape(id)}">{content}</script>')
