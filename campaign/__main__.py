"""`python -m campaign`: see `campaign.command`."""

import sys

from campaign.command import main

sys.exit(main())
