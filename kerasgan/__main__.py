"""Runs the command line: `python -m kerasgan`."""

import sys

from kerasgan.commands.main import main

sys.exit(main())
