"""How a command of the command line is added: its help is its function's docstring."""


def adder(commands):
    """A function that adds commands to the sub-commands of a parser.

    Args:
        commands: what `add_subparsers` returned.

    Returns:
        A function of a command's function, its name, and the line about it in the list of commands (by default the
        docstring), that returns the command's parser.
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
            help="import a module with families of your own first, from here or as installed",
        )
        return added

    return command
