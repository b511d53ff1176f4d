"""`python -m demo`: see `demo.command`."""

import sys

try:
    from demo.command import main

    sys.exit(main())
except KeyboardInterrupt:
    # Before the demo listens to signals itself there is nothing to clear up.
    sys.exit(130)
