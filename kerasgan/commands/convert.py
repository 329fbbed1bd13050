"""`kerasgan convert`: published weights of other implementations as presets."""

from kerasgan.commands.adder import adder


def add_parser(commands):
    """Adds `convert` to the sub-commands of a parser."""
    one = adder(commands)(convert, "convert")
    one.add_argument("family", metavar="FAMILY", help="class of kerasgan.models in lower case, such as biggan")
    one.add_argument("weights", metavar="FILE", help="PyTorch's file of the generator's weights, such as G_ema.pth")
    one.add_argument("output", metavar="OUT", help="folder of the preset")


def convert(arguments):
    """Writes the weights of a family's official PyTorch code as a preset; the file's code is not run."""
    from kerasgan import models
    from kerasgan.commands.families import family_of
    from kerasgan.zoo.torch_files import read_torch

    family = family_of(arguments.family)
    if not hasattr(family, "from_official"):
        known = [name.lower() for name in models.__all__ if hasattr(getattr(models, name), "from_official")]
        raise ValueError(f"There are no official weights of {arguments.family!r} to convert; expected one of {known}.")
    family.from_official(read_torch(arguments.weights)).save_preset(arguments.output)
    print(arguments.output)
