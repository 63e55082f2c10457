"""`python -m dissentangle.inference` is the command `dissentangle`."""

import sys

from .cli import main

sys.exit(main())
