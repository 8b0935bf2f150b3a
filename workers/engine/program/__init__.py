"""The engine that runs the xtb program."""
