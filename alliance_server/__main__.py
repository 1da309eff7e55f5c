"""`python -m alliance_server`."""

from alliance_server.cli import main

if __name__ == "__main__":
    main()
