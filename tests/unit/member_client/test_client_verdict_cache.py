"""Verdicts by business id: the same question, another question, an open one, a day later."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from client_fixtures import NOW, new_store

from alliance.identifiers import Kind
from alliance.taxonomy import Action
from member_client import ConflictingRetry, Consent, Subject
from member_client._ledger import Ledger
from member_client._verdict_cache import LIFE_MS, VerdictCache
from member_client._workers import Workers
from member_client.verdicts import FieldVerdict, State, Verdict

CLEAR = Verdict("C-1", State.CLEAR, Action.NONE, (FieldVerdict("phone", Kind.PHONE, State.CLEAR),), "00" * 16)
OPEN = replace(CLEAR, state=State.UNKNOWN, fields=(FieldVerdict("phone", Kind.PHONE, State.UNKNOWN, "stale"),))
SUBJECT = Subject("C-1", phone="13800138000")
PDF = Consent.of(b"pdf")


@pytest_asyncio.fixture
async def cache(tmp_path: Path) -> AsyncIterator[VerdictCache]:
    store, workers = new_store(tmp_path), Workers(1)
    yield VerdictCache(store, Ledger(store, workers))
    await workers.close()


async def test_the_same_question_gets_the_same_verdict_for_a_day(cache: VerdictCache) -> None:
    question = cache.question("app-1", SUBJECT, "loan_application", PDF)
    assert cache.answer(question, NOW) is None
    await cache.keep(question, CLEAR, NOW)
    assert cache.answer(question, NOW + LIFE_MS - 1) == CLEAR
    assert cache.answer(question, NOW + LIFE_MS) is None


@pytest.mark.parametrize(
    ("subject", "purpose", "consent"),
    [
        (Subject("C-1", phone="13800138001"), "loan_application", PDF),
        (Subject("C-1", phone="13800138000", ip="203.0.113.9"), "loan_application", PDF),
        (Subject("C-2", phone="13800138000"), "loan_application", PDF),
        (SUBJECT, "transaction", PDF),
        (SUBJECT, "loan_application", Consent.of(b"other pdf")),
    ],
)
async def test_another_question_under_the_same_id_is_a_conflict(
    cache: VerdictCache, subject: Subject, purpose: str, consent: Consent
) -> None:
    await cache.keep(cache.question("app-1", SUBJECT, "loan_application", PDF), CLEAR, NOW)
    with pytest.raises(ConflictingRetry):
        cache.answer(cache.question("app-1", subject, purpose, consent), NOW)


async def test_an_open_verdict_is_asked_again_but_its_content_stands(cache: VerdictCache) -> None:
    question = cache.question("app-1", SUBJECT, "loan_application", PDF)
    await cache.keep(question, OPEN, NOW)
    assert cache.answer(question, NOW) is None
    with pytest.raises(ConflictingRetry):
        cache.answer(cache.question("app-1", SUBJECT, "transaction", PDF), NOW)


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_neither_id_nor_identifier_is_on_disk(cache: VerdictCache, tmp_path: Path) -> None:
    await cache.keep(cache.question("app-1", SUBJECT, "loan_application", PDF), CLEAR, NOW)
    content = on_disk(tmp_path)
    assert b"app-1" not in content
    assert b"13800138000" not in content
    assert b"C-1" not in content
