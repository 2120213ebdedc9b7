"""Shell: the public functions as commands, with results as files."""
