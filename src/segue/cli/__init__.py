"""The command `segue`.

One file a command group; each reads its options, calls the server or a use case, and prints. What a command needs
beyond its options is imported when it runs, so that `segue --help` and the completion of a shell are quick.
"""


def main() -> None:
    """Run the command line with the arguments of this process; ends it with the command's exit code."""
    # Imported here so that `import segue.cli` (which the console script does) stays cheap and free of side effects.
    from segue.cli.app import run  # noqa: PLC0415

    run()
