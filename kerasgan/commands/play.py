"""`kerasgan play`: the arguments; `kerasgan.studies.play` does the work."""

from kerasgan.commands.adder import adder
from kerasgan.commands.options import positive


def add_parser(commands):
    """Adds `play` to the sub-commands of a parser."""
    one = adder(commands)(play, "play")
    one.add_argument(
        "run", nargs="?", metavar="RUN|PRESET", help="folder of a run, or name, folder or address of a preset"
    )
    one.add_argument("--port", type=positive(int), default=7860, metavar="N", help="port of the page (default: 7860)")
    one.add_argument("--share", action="store_true", help="also create a public address, through Gradio's servers")


def play(arguments):
    """Opens a page in the browser to play with a model.

    It offers samples, walks, edits, mixed styles, translations and sounds, depending on the model. The page is served
    only on this machine and sends no requests to others.
    """
    from kerasgan.commands.trained import class_names, trained
    from kerasgan.studies.play import serve

    def load(name):
        model = trained(name)
        return model, class_names(name, model) if model.generates and model.conditions.classes else ()

    serve(load, arguments.run, arguments.port, arguments.share)
