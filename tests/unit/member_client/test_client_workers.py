"""Where work is done: a few identifiers here, many on another thread."""

from threading import get_ident

import pytest

from member_client import InvalidUse, Subject
from member_client._workers import FEW_IDENTIFIERS, Workers
from member_client.subjects import FIELDS


async def test_few_are_computed_here_and_many_elsewhere() -> None:
    workers = Workers(1)
    assert await workers.computed(FEW_IDENTIFIERS, get_ident) == get_ident()
    elsewhere = await workers.computed(FEW_IDENTIFIERS + 1, get_ident)
    assert elsewhere != get_ident()
    assert elsewhere == await workers.cpu(get_ident)
    assert await workers.disk(get_ident) not in (get_ident(), elsewhere)
    await workers.close()
    with pytest.raises(InvalidUse):
        await workers.cpu(get_ident)


def test_any_one_subject_is_few() -> None:
    everything = Subject.of("r", dict.fromkeys(FIELDS, "x"))
    assert everything.field_count() == len(FIELDS) <= FEW_IDENTIFIERS
