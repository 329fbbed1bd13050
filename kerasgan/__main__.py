"""`python -m kerasgan` is the command line."""

import sys

from kerasgan.cli import main

sys.exit(main())
