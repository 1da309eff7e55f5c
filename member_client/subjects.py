"""Who is screened: a subject's identifiers as they were typed, and the consent behind the question.

Nothing here prints an identifier: the repr of a subject shows its reference, that of a consent nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Self, final

from alliance.identifiers import Kind
from member_client._framing import pack
from member_client.errors import InvalidUse

_READ_BYTES = 1 << 20

FIELDS: Final[dict[str, tuple[Kind, str]]] = {
    "phone": (Kind.PHONE, ""),
    "resident_id": (Kind.RESIDENT_ID, ""),
    "uscc": (Kind.USCC, ""),
    "bank_card": (Kind.BANK_CARD, ""),
    "imei": (Kind.IMEI, ""),
    "oaid": (Kind.DEVICE, "oaid:"),
    "idfa": (Kind.DEVICE, "idfa:"),
    "android_id": (Kind.DEVICE, "android_id:"),
    "mac": (Kind.DEVICE, "mac:"),
    "device": (Kind.DEVICE, ""),
    "email": (Kind.EMAIL, ""),
    "domain": (Kind.DOMAIN, ""),
    "ip": (Kind.IP, ""),
    "account": (Kind.ACCOUNT, ""),
}
"""Fields of a subject: the kind of each, and what is put before its text."""


@final
class Consent:
    """A digest of the evidence for a consent, a consumer's request or a statement of basis. The evidence stays home.

    The hub sees a salted commitment to it only; who holds the evidence can prove later what was committed to.
    """

    __slots__ = ("_digest",)

    def __init__(self, digest: bytes) -> None:
        """Take a SHA-256 digest; `Consent.of` makes one."""
        if len(digest) != sha256().digest_size:
            raise InvalidUse("a consent's digest has 32 bytes")
        self._digest = digest

    @classmethod
    def of(cls, evidence: bytes | Path | str, policy: str = "") -> Self:
        """Digest evidence: a document's bytes, the path of one, or a reference by which the records find it.

        SHA-256 over the framed policy, sort of evidence and SHA-256 of its content. Raises InvalidUse where the
        evidence is empty or cannot be read.
        """
        given: tuple[object, object] = (evidence, policy)  # callers without a type checker pass None
        if not isinstance(given[0], bytes | Path | str) or not isinstance(given[1], str):
            raise InvalidUse("a consent is made of bytes, a Path or a reference, and the name of a policy")
        sort = b"reference" if isinstance(evidence, str) else b"document"
        content = _digest_of(evidence)
        return cls(sha256(pack(b"alliance/consent/1", policy.encode(), sort, content)).digest())

    @property
    def digest(self) -> bytes:
        """SHA-256 of evidence and policy, 32 bytes."""
        return self._digest

    @staticmethod
    def checked(consent: object) -> None:
        """Raise InvalidUse for what is no consent: callers without a type checker pass the evidence itself."""
        if consent is not None and not isinstance(consent, Consent):
            raise InvalidUse("consent is a Consent: Consent.of(...) makes one of evidence, a file or a reference")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Consent) and other._digest == self._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return "Consent(…)"


def _digest_of(evidence: bytes | Path | str) -> bytes:
    if isinstance(evidence, Path):
        return _file_digest(evidence)
    content = evidence.encode() if isinstance(evidence, str) else evidence
    if not content.strip():
        raise InvalidUse("the evidence of a consent is empty")
    return sha256(content).digest()


def _file_digest(path: Path) -> bytes:
    digest, size = sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_READ_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise InvalidUse(f"the evidence of a consent cannot be read: {type(error).__name__}") from None
    if not size:
        raise InvalidUse("the evidence of a consent is empty")
    return digest.digest()


@final
class Subject:
    """Somebody to be screened: a reference of the caller's own, and identifiers as they were typed.

    A field that is None or blank counts as not given. `ref` comes back with the verdict and goes nowhere else.
    """

    __slots__ = ("_texts", "consent", "ref")

    def __init__(
        self,
        ref: str,
        *,
        phone: str | None = None,
        resident_id: str | None = None,
        uscc: str | None = None,
        bank_card: str | None = None,
        imei: str | None = None,
        oaid: str | None = None,
        idfa: str | None = None,
        android_id: str | None = None,
        mac: str | None = None,
        device: str | None = None,
        email: str | None = None,
        domain: str | None = None,
        ip: str | None = None,
        account: str | None = None,
        consent: Consent | None = None,
    ) -> None:
        given = locals()
        self.ref = ref
        self.consent = consent
        self._texts = _present({name: given[name] for name in FIELDS if given[name] is not None})
        if ref in self._texts.values():
            raise InvalidUse("ref repeats a field: refs are shown and kept, so take your own case or customer number")

    @classmethod
    def of(cls, ref: str, fields: Mapping[str, str | None], *, consent: Consent | None = None) -> Self:
        """Make a subject of fields by name, such as the columns of a file; raises InvalidUse for an unknown one."""
        if not fields.keys() <= FIELDS.keys():
            # Not which: a mapping that was turned round has identifiers for names.
            raise InvalidUse(f"{len(fields.keys() - FIELDS.keys())} unknown fields: the fields are {', '.join(FIELDS)}")
        subject = cls.__new__(cls)
        subject.ref = ref
        subject.consent = consent
        subject._texts = _present(fields)
        return subject

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that were given, in the order of FIELDS."""
        return tuple(self._texts)

    def fields(self) -> Iterator[tuple[str, Kind, str]]:
        """Give the fields that were given: name, kind, and text ready for that kind."""
        for name, text in self._texts.items():
            yield name, *as_kind(name, text)

    def texts(self) -> Iterable[tuple[str, str]]:
        """Give the names of the fields that were given, and their texts as they were typed."""
        return self._texts.items()

    def field_count(self) -> int:
        """Count the fields that were given."""
        return len(self._texts)

    def __repr__(self) -> str:
        return f"Subject({self.ref!r}, {self.field_count()} fields)"


def as_kind(field: str, text: str) -> tuple[Kind, str]:
    """Give a field's kind and its text as that kind is written: a sort of device id gets its name put before it."""
    kind, prefix = FIELDS[field]
    return kind, prefix + text if prefix and not text.strip().lower().startswith(prefix) else text


def _present(fields: Mapping[str, str | None]) -> dict[str, str]:
    """Keep what was given, in the order of FIELDS; raises InvalidUse for what is no text."""
    given: Mapping[str, object] = fields  # callers without a type checker pass numbers
    if wrong := sorted(name for name, text in given.items() if not (text is None or isinstance(text, str))):
        raise InvalidUse(f"fields {wrong} are not texts")
    texts = {name: text for name, text in fields.items() if text is not None and text.strip()}
    return texts if len(texts) < 2 else {name: texts[name] for name in FIELDS if name in texts}
