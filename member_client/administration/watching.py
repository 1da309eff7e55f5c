"""What admins watch: standings, alarms, and how far epochs are."""

from collections.abc import AsyncIterator
from typing import Final

from alliance.v1 import admin_pb2
from alliance.v1.admin_pb2_grpc import AdminServiceStub
from member_client._paging import pages
from member_client._session import Session
from member_client.quotas import Alarm, Standing, read_alarm, read_standing

PAGE_SIZE: Final = 100


async def read_standings(session: Session) -> AsyncIterator[Standing]:
    """Read the standings of all lenders, page by page."""

    async def fetch(token: str) -> admin_pb2.ListStandingsResponse:
        request = admin_pb2.ListStandingsRequest(page_size=PAGE_SIZE, page_token=token)
        return await session.transport.ask(lambda channel: AdminServiceStub(channel).ListStandings, request)

    async for page in pages(fetch, lambda page: page.standings):
        for message in page:
            yield read_standing(message)


async def read_alarms(session: Session, *, open_only: bool) -> AsyncIterator[Alarm]:
    """Read alarms, page by page."""

    async def fetch(token: str) -> admin_pb2.ListAlarmsResponse:
        request = admin_pb2.ListAlarmsRequest(page_size=PAGE_SIZE, page_token=token, open_only=open_only)
        return await session.transport.ask(lambda channel: AdminServiceStub(channel).ListAlarms, request)

    async for page in pages(fetch, lambda page: page.alarms):
        for message in page:
            yield read_alarm(message)
