"""`python -m segue` is the same as `segue`."""

from segue.cli import main

main()
