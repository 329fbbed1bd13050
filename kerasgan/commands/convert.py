"""`kerasgan convert`: published weights of other implementations as presets."""

from kerasgan.commands.adder import adder


def add_parser(commands):
    """Adds `convert` to the sub-commands of a parser."""
    one = adder(commands)(convert, "convert")
    one.add_argument("family", metavar="FAMILY", help="biggan, stylegan2, stylegan3 or r3gan")
    one.add_argument("weights", metavar="FILE", help="PyTorch's file, such as G_ema.pth or ffhq.pkl")
    one.add_argument("output", metavar="OUT", help="folder of the preset")
    one.add_argument("--license", metavar="TEXT", help="licence of the weights, for the card (default: the authors')")


def convert(arguments):
    """Writes the weights of a family's official PyTorch code as a preset; the file's code is not run."""
    from kerasgan import models
    from kerasgan.commands.families import family_of
    from kerasgan.zoo.pickled_networks import read_network
    from kerasgan.zoo.torch_files import read_torch

    family = family_of(arguments.family)
    if not hasattr(family, "from_official"):
        known = [name.lower() for name in models.__all__ if hasattr(getattr(models, name), "from_official")]
        raise ValueError(f"There are no official weights of {arguments.family!r} to convert; expected one of {known}.")
    read = {"pickle": read_network, "torch": read_torch}[family.official_format]
    name, text = ("other", arguments.license) if arguments.license else family.official_license
    family.from_official(read(arguments.weights)).save_preset(arguments.output, license={"name": name, "text": text})
    print(f"licence of the weights: {text}")
    print(arguments.output)
