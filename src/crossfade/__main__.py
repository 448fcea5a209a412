"""`python -m crossfade`: the command line, where its script is not on the path."""

from crossfade.cli.main import main

if __name__ == "__main__":
    main()
