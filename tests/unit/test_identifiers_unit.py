"""`alliance.identifiers`: what the vectors do not show. Refusals' silence, suppression, pins, real lists."""

from __future__ import annotations

import copy
import csv
import ipaddress
import json
import pickle
import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path

import phonenumbers
import pytest

from alliance.identifiers import (
    BUILTIN,
    Identifier,
    InvalidIdentifier,
    Kind,
    Reason,
    SuppressionList,
    SuppressionListInvalid,
    UnknownKind,
    canonicalise,
    parse_kind,
    suppression_list,
)
from alliance.identifiers.accounts import platforms
from alliance.identifiers.addresses import base58_decode, base58_encode
from alliance.identifiers.model import RefusalError
from alliance.identifiers.numbers import phone, phone_by_general_parser
from alliance.identifiers.text import is_assigned

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"


def refusal(kind: Kind, text: str) -> InvalidIdentifier:
    with pytest.raises(InvalidIdentifier) as caught:
        canonicalise(kind, text)
    return caught.value


class TestKinds:
    def test_order_is_the_protocols(self) -> None:
        names = "phone resident_id uscc bank_card imei device email domain ip account"
        assert [kind.value for kind in Kind] == names.split()

    @pytest.mark.parametrize("text", ["phone", " Phone ", "PHONE"])
    def test_parse(self, text: str) -> None:
        assert parse_kind(text) is Kind.PHONE

    @pytest.mark.parametrize("text", ["", "passport", "13123456789", "phone\n1"])
    def test_unknown_kind_does_not_repeat_its_input(self, text: str) -> None:
        with pytest.raises(UnknownKind) as caught:
            parse_kind(text)
        assert caught.value.args == ()
        assert caught.value.__context__ is None
        assert str(caught.value) == str(UnknownKind())


class TestIdentifier:
    def test_prints_its_kind_only(self) -> None:
        found = canonicalise(Kind.PHONE, "13123456789")
        assert repr(found) == str(found) == f"{found}" == "Identifier(phone, …)"

    def test_input_bytes(self) -> None:
        found = Identifier(Kind.IP, "8.8.8.8")
        assert found.input_bytes == b"alliance/v1\x00ip\x008.8.8.8"

    def test_is_a_value(self) -> None:
        first, second = (canonicalise(Kind.DOMAIN, text) for text in ("Example.com", "example.com."))
        assert first == second
        assert len({first, second}) == 1
        assert pickle.loads(pickle.dumps(first)) == copy.copy(first) == first  # noqa: S301


class TestRefusal:
    def test_carries_kind_and_reason_and_nothing_else(self) -> None:
        error = refusal(Kind.DOMAIN, "xn--secret-value-a.example")
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (again.kind, again.reason) == (error.kind, error.reason)
        assert error.args == (Kind.DOMAIN, Reason.ILLEGAL_HOST_NAME)
        assert vars(error) == {"kind": Kind.DOMAIN, "reason": Reason.ILLEGAL_HOST_NAME}
        assert error.__cause__ is None
        assert error.__context__ is None

    @pytest.mark.parametrize("reason", Reason)
    def test_every_reason_says_how_to_fix_it(self, reason: Reason) -> None:
        error = InvalidIdentifier(Kind.PHONE, reason)
        assert error.how_to_fix.endswith(".")
        assert reason.value in str(error)

    def test_a_wrong_region_is_a_fault_of_the_configuration(self) -> None:
        with pytest.raises(ValueError, match="default_region") as caught:
            canonicalise(Kind.PHONE, "13123456789", default_region="China")
        assert not isinstance(caught.value, InvalidIdentifier)

    @pytest.mark.parametrize("kind", Kind)
    def test_hostile_length_costs_nothing(self, kind: Kind) -> None:
        assert refusal(kind, "1" * 10_000_000).reason is Reason.TOO_LONG


class TestPhone:
    def test_fast_path_agrees_on_every_mobile_prefix(self) -> None:
        """Every five leading digits; the tail cannot matter to a pattern that ends in \\d{6}."""
        for prefix in range(10_000, 20_000):
            text = f"{prefix}654321"
            try:
                general = phone_by_general_parser(text, "CN")
            except RefusalError:
                continue
            assert phone(text, "CN") == general

    @pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
    def test_examples_of_every_region_are_fixed_points(self, region: str) -> None:
        for number_type in phonenumbers.PhoneNumberType.values():
            example = phonenumbers.example_number_for_type(region, number_type)
            if example is None:
                continue
            national = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            found = canonicalise(Kind.PHONE, national, suppression=None)
            again = canonicalise(Kind.PHONE, found.canonical, default_region=region, suppression=None)
            assert again == found


class TestUnicode:
    @pytest.mark.skipif(
        unicodedata.unidata_version != "14.0.0",
        reason=f"this Python carries Unicode {unicodedata.unidata_version}, not 14.0.0",
    )
    def test_the_table_is_unicode_14(self) -> None:
        for point in range(0x80, 0x110000):
            assigned = unicodedata.category(chr(point)) not in ("Cn", "Co", "Cs")
            assert is_assigned(chr(point)) == assigned, f"U+{point:04X}"

    @pytest.mark.parametrize("kind", Kind)
    def test_lone_surrogates_are_refused(self, kind: Kind) -> None:
        assert refusal(kind, "a\ud800.example").reason in set(Reason)

    def test_an_a_label_may_not_smuggle_a_newer_character(self) -> None:
        label = "xn--" + "\U0001e4d0".encode("punycode").decode()
        assert refusal(Kind.DOMAIN, f"{label}.example").reason is Reason.ILLEGAL_HOST_NAME


class TestAccounts:
    def test_every_platform_has_a_title_and_a_lower_case_name(self) -> None:
        assert len(platforms()) >= 12
        for name, platform in platforms().items():
            assert name == name.lower() == platform.name
            assert ":" not in name
            assert platform.title

    def test_equal_names_on_two_platforms_never_meet(self) -> None:
        first, second = (canonicalise(Kind.ACCOUNT, text) for text in ("wechat:desk_example", "telegram:desk_example"))
        assert first.input_bytes != second.input_bytes

    def test_substrate_networks_above_63_have_two_bytes_of_prefix(self) -> None:
        # Alice on network 1284 (Moonbeam's number), assembled by the SS58 text's bit layout.
        from hashlib import blake2b

        network = 1284
        prefix = bytes([((network & 0xFC) >> 2) | 0x40, (network >> 8) | ((network & 3) << 6)])
        alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
        decoded = base58_decode(alice)
        assert decoded is not None
        body = prefix + decoded[1:33]
        text = base58_encode(body + blake2b(b"SS58PRE" + body).digest()[:2])
        assert canonicalise(Kind.ACCOUNT, f"substrate:{text}").canonical == f"substrate:{alice}"


class TestSuppression:
    def test_the_builtin_list_survives_its_own_encoding(self) -> None:
        data = BUILTIN.to_bytes()
        assert SuppressionList.from_bytes(data) == BUILTIN
        assert SuppressionList.from_bytes(data).to_bytes() == data

    def test_the_order_of_entries_does_not_show(self) -> None:
        first = suppression_list("1", {"imei": ["111111111111119"], "ip": ["8.8.8.8", "1.1.1.1"]}, [], ["b", "a"])
        second = suppression_list("1", {"ip": ["1.1.1.1", "8.8.8.8"], "imei": ["111111111111119"]}, [], ["a", "b"])
        assert first == second
        assert first.to_bytes() == second.to_bytes()

    @pytest.mark.parametrize(("kind", "text"), BUILTIN.values)
    def test_every_value_is_refused_only_because_of_the_list(self, kind: Kind, text: str) -> None:
        assert refusal(kind, text).reason is Reason.SUPPRESSED
        assert canonicalise(kind, text, suppression=None).canonical == text

    @pytest.mark.parametrize("text", BUILTIN.networks)
    def test_every_network_is_refused_to_its_edges_and_no_further(self, text: str) -> None:
        network = ipaddress.ip_network(text)
        networks = [ipaddress.ip_network(other) for other in BUILTIN.networks]
        for number in (int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1):
            if not 0 <= number < 2**network.max_prefixlen:
                continue
            address = type(network[0])(number)
            listed = any(address in other for other in networks if other.version == address.version)
            assert BUILTIN.contains(Identifier(Kind.IP, str(address))) == listed

    def test_domains_are_refused_by_whole_labels(self) -> None:
        assert refusal(Kind.DOMAIN, "a.b.local").reason is Reason.SUPPRESSED
        assert refusal(Kind.EMAIL, "desk@b.local").reason is Reason.SUPPRESSED
        assert canonicalise(Kind.DOMAIN, "notlocal.example").canonical == "notlocal.example"
        assert canonicalise(Kind.DOMAIN, "local.example").canonical == "local.example"

    @pytest.mark.parametrize(
        "change",
        [
            {"format": "alliance/suppression/2"},
            {"version": 1},
            {"values": {"phone": ["13123456789"]}},
            {"values": {"passport": ["1"]}},
            {"values": {"ip": ["8.8.8.8", "8.8.4.4"]}},
            {"values": []},
            {"networks": ["10.0.0.1/8"]},
            {"networks": ["10.0.0.0/255.0.0.0"]},
            {"domains": ["-x"]},
            {"domains": ["Local"]},
            {"more": []},
        ],
    )
    def test_another_list_is_not_read(self, change: dict[str, object]) -> None:
        document = {
            "format": "alliance/suppression/1",
            "version": "1",
            "values": {},
            "networks": [],
            "domains": [],
        }
        good = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        assert SuppressionList.from_bytes(good).version == "1"
        data = json.dumps(document | change, sort_keys=True, separators=(",", ":")).encode()
        with pytest.raises(SuppressionListInvalid):
            SuppressionList.from_bytes(data)

    @pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, BUILTIN.to_bytes() + b" "])
    def test_other_bytes_are_not_read(self, data: bytes) -> None:
        with pytest.raises(SuppressionListInvalid) as caught:
            SuppressionList.from_bytes(data)
        assert caught.value.__context__ is None


@pytest.fixture(scope="module")
def lists() -> dict[str, tuple[set[Identifier], Counter[Reason]]]:
    return {member: TestRealLists.read(REAL / f"member_{member}.csv") for member in "abc"}


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real lists not found at {REAL}")
class TestRealLists:
    """Intersections of three independent blacklists, and what each of them loses."""

    @staticmethod
    def read(path: Path) -> tuple[set[Identifier], Counter[Reason]]:
        found: set[Identifier] = set()
        refused: Counter[Reason] = Counter()
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                try:
                    found.add(canonicalise(parse_kind(row["kind"]), row["identifier"]))
                except InvalidIdentifier as error:
                    refused[error.reason] += 1
        return found, refused

    def test_intersections(self, lists: dict[str, tuple[set[Identifier], Counter[Reason]]]) -> None:
        counts = {x + y: len(lists[x][0] & lists[y][0]) for x, y in combinations("abc", 2)}
        assert counts == {"ab": 28, "ac": 484, "bc": 2048}

    def test_refusals(self, lists: dict[str, tuple[set[Identifier], Counter[Reason]]]) -> None:
        assert {member: dict(refused) for member, (_, refused) in lists.items()} == {
            "a": {Reason.EMPTY: 1},
            "b": {Reason.IS_AN_IP_ADDRESS: 4},
            "c": {
                Reason.IS_AN_IP_ADDRESS: 6,
                Reason.ILLEGAL_CHARACTER: 8,
                Reason.SINGLE_LABEL: 6,
                Reason.ILLEGAL_HOST_NAME: 3,
            },
        }
