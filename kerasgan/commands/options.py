"""Options for reading pictures, shared by several commands."""

import argparse
import ast
import math

CROPS, FITS, ON_ERROR, CHANNELS = ("centre", "random", "none"), ("pad", "stretch"), ("raise", "skip"), (1, 2, 3, 4)


def positive(number):
    """Returns a parser of positive numbers of a given type."""

    def parse(text):
        value = number(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    parse.__name__ = f"positive {number.__name__}"
    return parse


def option(text):
    """Parses `NAME=VALUE` into a name and a value, which is a Python literal or a string."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form OPTION=VALUE, such as count=1000")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def noise(text):
    """Parses the noise of images, as for a model's `sample`."""
    return text if text in ("random", "fixed", "none") else float(text)


def add_truncation(parser):
    """Adds the option `--truncation`."""
    parser.add_argument(
        "--truncation",
        type=float,
        metavar="T",
        help="truncation: smaller values give more typical samples (default: none)",
    )


def add_picture_options(parser, size_help="resize the images to S x S pixels"):
    """Adds the options of `kerasgan.data.load` for pictures."""
    one = parser.add_argument_group(
        "pictures", "How to read the pictures of a folder (--image-size also applies to other data)."
    )
    one.add_argument("--image-size", type=positive(int), metavar="S", help=size_help)
    one.add_argument("--crop", choices=CROPS, help="how to crop pictures of another aspect ratio (default: centre)")
    one.add_argument("--fit", choices=FITS, help="with --crop none: pad with the background, or stretch (default: pad)")
    one.add_argument(
        "--background", type=_colour, metavar="0..255|R,G,B", help="background colour behind transparency and padding"
    )
    one.add_argument(
        "--channels", type=int, choices=CHANNELS, help="channels: grey, grey and alpha, RGB, RGB and alpha"
    )
    one.add_argument("--on-error", choices=ON_ERROR, help="unreadable files: stop, or skip them")


def picture_options(arguments):
    """The given options as arguments of `kerasgan.data.load`."""
    names = ("image_size", "crop", "fit", "background", "channels", "on_error")
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def _colour(text):
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        levels = []
    if len(levels) not in (1, 3) or not all(0 <= level <= 255 for level in levels):
        raise argparse.ArgumentTypeError(f"{text!r} is not a grey level or colour, such as 255 or 255,128,0")
    return levels[0] if len(levels) == 1 else tuple(levels)
