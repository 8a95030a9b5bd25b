"""`python -m s2jax.cli`."""

import sys

from s2jax.cli import main

sys.exit(main())
