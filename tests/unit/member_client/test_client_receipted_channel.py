"""The channel whose answers have receipts: what acknowledges nothing that was sent is not handed on."""

from collections.abc import Generator
from typing import Any

import pytest

from alliance.v1.case_pb2 import UploadAttachmentRequest, UploadAttachmentResponse
from alliance.v1.registry_pb2 import ContributeRequest, ContributeResponse
from member_client._receipted import KEY, ReceiptedChannel
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


class Upload:
    """A call of a hub that takes whatever is uploaded, and answers once."""

    def __init__(self, receipt: bytes | None) -> None:
        self._receipt = receipt
        self.closed = False

    async def write(self, _message: bytes) -> None:
        """Take a message."""

    def done(self) -> bool:
        return False

    async def done_writing(self) -> None:
        self.closed = True

    def __await__(self) -> Generator[Any, None, UploadAttachmentResponse]:
        async def answer() -> UploadAttachmentResponse:
            return UploadAttachmentResponse(received=2, is_whole=True)

        return answer().__await__()

    async def trailing_metadata(self) -> list[tuple[str, bytes]]:
        return [] if self._receipt is None else [(KEY, self._receipt)]


class UploadChannel:
    def __init__(self, receipt: bytes | None) -> None:
        self.call = Upload(receipt)

    def stream_unary(self, _path: str, **_how: Any) -> Any:
        return lambda: self.call


async def test_an_upload_is_answered_with_a_receipt_for_its_first_message() -> None:
    first, second = (UploadAttachmentRequest(part=it) for it in (b"1", b"2"))
    for receipt in (b"a receipt", None):
        check: Any = Check()
        inner: Any = UploadChannel(receipt)
        method = ReceiptedChannel(inner, check).stream_unary(
            "/alliance.v1.CaseService/UploadAttachment", request_serializer=UploadAttachmentRequest.SerializeToString
        )
        call = method()
        await call.write(first)
        await call.write(second)
        if receipt is None:
            with pytest.raises(ReceiptInvalid):
                await call.answer()
        else:
            assert (await call.answer()).is_whole
            assert check.answers == [first.SerializeToString()]
        assert inner.call.closed
