"""The command `segue`.

One file a command group; each reads its options, calls the server or a use case, and prints.
"""


def main() -> None:
    """Run the command line with the arguments of this process; ends it with the command's exit code."""
    # Imported here so that `import segue.cli` (which the console script does) stays cheap and free of side effects.
    from segue.cli.app import app  # noqa: PLC0415

    app()
