"""`python -m turnout` is the command `turnout`."""

from turnout.cli import main

# Nothing imports this module.
if __name__ == "__main__":  # pragma: no branch
    main()
