"""`python -m member_client` is `member-client`."""

from member_client.cli import main

if __name__ == "__main__":
    main()
