"""`kerasgan translate`: the arguments; `kerasgan.studies.translate` does the work."""

from kerasgan.commands.adder import adder
from kerasgan.commands.options import positive


def add_parser(commands):
    """Adds `translate` to the sub-commands of a parser."""
    count = positive(int)
    one = adder(commands)(translate, "translate")
    one.add_argument("run", metavar="RUN|PRESET", help="folder of a run, or name, folder or address of a preset")
    one.add_argument(
        "pictures", nargs="+", metavar="FOLDER|FILE", help="pictures or films of any size, or folders of them"
    )
    one.add_argument("-o", "--output", required=True, metavar="OUT", help="folder of the PNG or GIF files")
    one.add_argument(
        "--to",
        choices=("x", "y"),
        default="y",
        help="target domain, for families that translate in both directions (default: y)",
    )
    one.add_argument("--raw", action="store_true", help="use the raw generator instead of the averaged one")
    one.add_argument(
        "--tile", type=count, metavar="N", help="side of the tiles in pixels (default: as large as memory allows)"
    )
    one.add_argument(
        "--overlap",
        type=int,
        metavar="N",
        help="pixels that tiles share (default: the receptive field, or a third of a tile)",
    )
    one.add_argument("--frames", type=count, metavar="N", help="frames to add to each film (default: 8)")


def translate(arguments):
    """Translates or enlarges pictures of any size, in tiles without seams, into PNG files; continues films.

    Transparency is kept, and 16-bit pictures give 16-bit files. Generator noise is omitted. Files have the same names
    and folders as the pictures. With a FramePredictor, GIF files and animated WebP and PNG files are continued: the
    output is a GIF file of the film and the predicted frames.
    """
    from kerasgan.commands.trained import trained
    from kerasgan.studies.translate import translate

    translate(trained(arguments.run), arguments)
