"""Acceptance: the installed command under load, killed, switched and deprived; short forms of the long campaigns."""
