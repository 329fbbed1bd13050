"""`python -m kerasgan` is the command line."""

import sys

from kerasgan.commands.main import main

sys.exit(main())
