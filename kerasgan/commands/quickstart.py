"""`kerasgan quickstart`: the arguments; `kerasgan.studies.quickstart` does the work."""

import argparse

from kerasgan.commands.adder import adder
from kerasgan.commands.options import add_picture_options, picture_options, positive


def add_parser(commands):
    """Adds `quickstart` to the sub-commands of a parser."""
    one = adder(commands)(quickstart, "quickstart")
    one.add_argument("data", metavar="FOLDER", help="folder of pictures, or other data, as for `kerasgan train --data`")
    one.add_argument("-o", "--out", metavar="OUT", help="folder of the run (default: runs/quickstart-FOLDER)")
    one.add_argument("--minutes", type=positive(float), metavar="N", help="minutes to train (default: 60)")
    one.add_argument(
        "--family",
        metavar="NAME",
        help="family of models (default: depends on the number of pictures, classes and device)",
    )
    one.add_argument("--no-classes", action="store_true", help="train without classes, even if the folders define some")
    one.add_argument("--no-mirror", action="store_true", help="do not add mirrored copies of the pictures")
    one.add_argument(
        "--seed", type=int, default=0, help="seed of the choice of held-out pictures and of training (default: 0)"
    )
    one.add_argument("--force", action="store_true", help="train even on fewer than 50 pictures")
    one.add_argument("--dry-run", action="store_true", help="look at the pictures, print the plan, and write nothing")
    one.add_argument("--resume", action="store_true", help="continue OUT, as if it had not been interrupted")
    add_picture_options(one)


def quickstart(arguments):
    """Looks at a folder of pictures, chooses a GAN for them, trains it and keeps the best.

    Some pictures are never trained on; the distance of the samples from these determines which weights are kept and
    when the training ends. All choices are printed with their reasons and with the equivalent `kerasgan train` command.
    """
    from kerasgan.commands.families import family_of
    from kerasgan.commands.main import command_parser, prepared
    from kerasgan.commands.summary import step_seconds
    from kerasgan.studies.quickstart import quickstart

    def made(words, select):
        return prepared(command_parser().parse_args(words, argparse.Namespace(words=words)), select)

    return quickstart(arguments, picture_options(arguments), made, step_seconds, family_of)
