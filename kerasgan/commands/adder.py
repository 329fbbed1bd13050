"""Adds commands to the command line, with the docstrings of their functions as help."""


def adder(commands):
    """Returns a function that adds commands to the sub-commands of a parser.

    Args:
        commands: Result of `add_subparsers`.

    Returns:
        A function of (function of the command, name, line for the list of commands, by default the docstring) that
        returns the command's parser.
    """

    def command(function, name, about=None):
        added = commands.add_parser(name, help=about or function.__doc__, description=function.__doc__)
        added.set_defaults(command=function)
        added.add_argument("--debug", action="store_true", help="show the traceback of an error")
        added.add_argument(
            "--import",
            dest="modules",
            action="append",
            default=[],
            metavar="MODULE",
            help="first import MODULE, which defines families of your own, from this folder or as installed",
        )
        return added

    return command
