"""The channel whose answers have receipts: what acknowledges nothing that was sent is not handed on."""

from typing import Any

import pytest

from alliance.v1.registry_pb2 import ContributeRequest, ContributeResponse
from member_client._receipted import ReceiptedChannel
from member_client.errors import ReceiptInvalid

PATH = "/alliance.v1.RegistryService/Contribute"


class Call:
    """A call of a hub that acknowledges without end."""

    async def write(self, _message: bytes) -> None:
        """Take a message."""

    async def read(self) -> ContributeResponse:
        made = ContributeResponse(request_id=b"r" * 16)
        made.receipt.payload = b"a receipt"
        return made


class Channel:
    def stream_stream(self, _path: str, **_how: Any) -> Any:
        return Call


class Check:
    """Believes whatever has a receipt."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    async def answered(self, _path: str, message: bytes, receipt: bytes | None) -> None:
        if receipt is None:
            raise ReceiptInvalid("none")
        self.answers.append(message)


async def test_an_acknowledgement_of_nothing_is_not_handed_on() -> None:
    check: Any = Check()
    inner: Any = Channel()
    call = ReceiptedChannel(inner, check).stream_stream(PATH, request_serializer=ContributeRequest.SerializeToString)()
    with pytest.raises(ReceiptInvalid):
        await call.read()
    await call.write(ContributeRequest())
    assert (await call.read()).request_id == b"r" * 16
    assert check.answers == [b""]
    with pytest.raises(ReceiptInvalid):
        await call.read()
