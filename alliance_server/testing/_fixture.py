"""The pytest fixture. Nothing else of this distribution needs pytest."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from alliance_server.testing._hub import FOLDER, AllianceHub, make_folder

_TEMPLATE = pytest.StashKey[Path]()


@pytest.fixture
def alliance_hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AllianceHub]:
    """Give a real hub for one test, serving; its keys and tables are copies of those that were made once a session.

    See `AllianceHub` for what it can do.
    """
    stash = request.config.stash
    if _TEMPLATE not in stash:
        template = tmp_path_factory.mktemp("alliance-template") / FOLDER
        make_folder(template)
        stash[_TEMPLATE] = template
    home = tmp_path_factory.mktemp("alliance-hub")
    shutil.copytree(stash[_TEMPLATE], home / FOLDER)
    with AllianceHub(home) as hub:
        yield hub
