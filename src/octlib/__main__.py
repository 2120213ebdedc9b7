"""Main: ``python -m octlib`` is the shell command."""

from octlib.cli.main import main

if __name__ == "__main__":
    main()
