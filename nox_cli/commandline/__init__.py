"""The command line: the registry of commands, their options and arguments."""
