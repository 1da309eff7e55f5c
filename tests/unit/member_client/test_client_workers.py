"""Where work is done: a few identifiers here if the arithmetic is native, all others on another thread."""

from threading import get_ident

import pytest
from support import backends

from member_client import InvalidUse, _workers
from member_client._workers import FEW_IDENTIFIERS, Workers


@pytest.mark.parametrize("name", backends.NAMES)
async def test_few_are_computed_here_and_many_elsewhere(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    chosen = backends.backend_named(name)
    monkeypatch.setattr(_workers, "backend", lambda: chosen)
    workers = Workers(1)
    here, elsewhere = get_ident(), await workers.cpu(get_ident)
    assert await workers.computed(FEW_IDENTIFIERS, get_ident) == (here if name == "native" else elsewhere)
    assert await workers.computed(FEW_IDENTIFIERS + 1, get_ident) == elsewhere != here
    assert await workers.disk(get_ident) not in (here, elsewhere)
    await workers.close()
    with pytest.raises(InvalidUse):
        await workers.cpu(get_ident)
