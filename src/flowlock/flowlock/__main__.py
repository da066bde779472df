"""`python -m flowlock`."""

import sys

from flowlock.cli import main

sys.exit(main())
