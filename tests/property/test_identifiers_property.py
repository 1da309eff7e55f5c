"""Properties of `norm/1`: fixed points, silence, and fast ways that equal the general ones."""

from __future__ import annotations

import traceback
from datetime import date
from typing import TYPE_CHECKING

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc

from alliance.identifiers import InvalidIdentifier, Kind, canonicalise
from alliance.identifiers.addresses import base58_decode, base58_encode
from alliance.identifiers.hosts import domain, domain_by_idna, u_label
from alliance.identifiers.model import Reason, RefusalError
from alliance.identifiers.numbers import phone, phone_by_general_parser

if TYPE_CHECKING:
    from collections.abc import Callable

DIGITS = "0123456789"
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
HEX = "0123456789abcdefABCDEF"


def digits(least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=least, max_size=least if most is None else most)


def spaced(text: str) -> st.SearchStrategy[str]:
    """The same number as people write it."""
    return st.lists(st.sampled_from(["", "", "", " ", "-"]), min_size=len(text), max_size=len(text)).map(
        lambda marks: "".join(character + mark for character, mark in zip(text, marks, strict=True))
    )


def resident_ids(first: date, last: date) -> st.SearchStrategy[str]:
    return st.builds(
        lambda county, day, order: f"{county}{day:%Y%m%d}{order}0",
        st.integers(100000, 999999),
        st.dates(first, last),
        digits(3),
    ).map(lambda number: number[:-1] + ric.calc_check_digit(number))


RESIDENT_IDS = resident_ids(date(1860, 1, 1), date(2099, 12, 31))
USCCS = st.builds(
    lambda head, region, tail: head + region + tail,
    st.text(USCC, min_size=2, max_size=2),
    digits(6),
    st.text(USCC, min_size=9, max_size=9),
).map(lambda number: number + stdnum_uscc.calc_check_digit(number))
LABELS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-", min_size=1, max_size=12) | st.text(max_size=6)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
TEXTS: dict[Kind, st.SearchStrategy[str]] = {
    Kind.PHONE: st.builds(
        str.__add__, st.sampled_from(["1", "+861", "+1", "+44", "0", "+39", "+54", "+52"]), digits(7, 11)
    ),
    Kind.RESIDENT_ID: RESIDENT_IDS.flatmap(spaced) | digits(15),
    Kind.USCC: USCCS.flatmap(spaced),
    Kind.BANK_CARD: digits(11, 18).map(lambda number: number + luhn.calc_check_digit(number)).flatmap(spaced),
    Kind.IMEI: digits(14).map(lambda number: number + luhn.calc_check_digit(number)).flatmap(spaced),
    Kind.DEVICE: st.builds(
        lambda subtype, value: f"{subtype}:{value}",
        st.sampled_from(["oaid", "idfa", "android_id", "mac", "IDFA"]),
        st.sampled_from([12, 16, 32, 64]).flatmap(lambda size: st.text(HEX, min_size=size, max_size=size)),
    ),
    Kind.EMAIL: st.emails() | st.builds(lambda local, host: f"{local}@{host}", st.text(max_size=8), HOSTS),
    Kind.DOMAIN: HOSTS | st.builds(lambda tail: f"xn--{tail}.example", st.text("abcdefghij0123456789-", max_size=12)),
    Kind.IP: st.ip_addresses().map(str) | st.ip_addresses(v=6).map(lambda address: address.exploded),
    Kind.ACCOUNT: st.builds(
        lambda platform, name: f"{platform}:{name}",
        st.sampled_from(["evm", "wechat", "qq", "telegram", "alipay", "weibo", "bitcoin", "solana", "tron"]),
        st.text("0123456789abcdefXYZ@_.", max_size=44)
        | st.text(HEX, min_size=40, max_size=40).map(lambda value: "0x" + value)
        | st.binary(min_size=32, max_size=32).map(base58_encode)
        | digits(10, 11),
    ),
}
ANY_KIND = st.sampled_from(list(Kind))
ANY_TEXT = st.text(max_size=330) | st.text("0123456789abcdefxX.-:@ +Ee/%\u3000\uff10\u200b", max_size=40)
TYPICAL = ANY_KIND.flatmap(lambda kind: st.tuples(st.just(kind), TEXTS[kind]))


def outcome(rule: Callable[[], str]) -> str | Reason:
    try:
        return rule()
    except RefusalError as refusal:
        return refusal.reason


def refusal_of(kind: Kind, text: str) -> InvalidIdentifier | None:
    try:
        canonicalise(kind, text)
    except InvalidIdentifier as error:
        return error
    return None


@given(TYPICAL | st.tuples(ANY_KIND, ANY_TEXT))
@example((Kind.DOMAIN, "xn--a.example"))
def test_canonical_forms_are_fixed_points(case: tuple[Kind, str]) -> None:
    kind, text = case
    try:
        found = canonicalise(kind, text, suppression=None)
    except InvalidIdentifier:
        return
    assert found.canonical.isascii()
    assert found.canonical.isprintable()
    assert canonicalise(kind, found.canonical, suppression=None) == found
    assert canonicalise(kind, f" \u3000{text}\u00a0 ", suppression=None) == found


@pytest.mark.parametrize("kind", Kind)
def test_the_strategies_reach_accepted_texts(kind: Kind) -> None:
    """Guards the property above: without accepted examples it would prove nothing."""
    reached = []

    @given(TEXTS[kind])
    def run(text: str) -> None:
        if refusal_of(kind, text) is None:
            reached.append(text)

    run()
    assert reached


@given(TYPICAL | st.tuples(ANY_KIND, ANY_TEXT))
def test_refusals_never_repeat_the_text(case: tuple[Kind, str]) -> None:
    kind, text = case
    error = refusal_of(kind, text)
    if error is None:
        return
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.args == (kind, error.reason)
    assert str(error) == str(InvalidIdentifier(kind, error.reason))
    assert repr(error) == repr(InvalidIdentifier(kind, error.reason))
    assert "".join(traceback.format_exception_only(error)).endswith(f"{error}\n")


@given(st.from_regex(r"(\+86)?1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["CN", "HK", "US", "IT"]))
def test_exact_chinese_mobile_equals_the_general_parser(text: str, region: str) -> None:
    assert outcome(lambda: phone(text, region)) == outcome(lambda: phone_by_general_parser(text, region))


@given(
    st.from_regex(r"(\+86)?1[3-9][0-9]{9}", fullmatch=True).flatmap(spaced) | st.text("+86139 -", max_size=32),
    st.sampled_from(["CN", "HK", "US", "IT"]),
)
@example("+-86 139-1234-5678", "CN")
@example(" -139 1234 5678- ", "CN")
@example("139" + " " * 17 + "12345678", "CN")
@example("139" + " " * 18 + "12345678", "CN")
@example("139" + " " * 310 + "12345678", "CN")
def test_chinese_mobile_with_separators_equals_the_general_parser(text: str, region: str) -> None:
    assert outcome(lambda: phone(text, region)) == outcome(lambda: phone_by_general_parser(text, region))


@given(st.lists(st.text("abxn01-", min_size=1, max_size=8), min_size=1, max_size=5).map(".".join))
@example("ab--c.com")
@example("xn--bcher-kva.example")
@example("a.b.0x1f")
@example("a.1b")
@example("x" * 63 + ".com")
@example("x" * 64 + ".com")
@example(".".join(["x" * 49] * 5) + ".abc")
@example(".".join(["x" * 49] * 5) + ".abcd")
def test_plain_domains_equal_idna(name: str) -> None:
    assert outcome(lambda: domain(name)) == outcome(lambda: domain_by_idna(name))


@given(HOSTS | st.lists(st.text("bücher商店公司ß\u0301", min_size=1, max_size=6), min_size=2, max_size=3).map(".".join))
@example("xn--bcher-kva.example")
@example("商店.公司.cn")
def test_labels_are_read_as_idna_reads_them(name: str) -> None:
    ascii_name = outcome(lambda: domain_by_idna(name))
    if isinstance(ascii_name, Reason):
        return
    labels = [label for label in ascii_name.split(".") if label.startswith("xn--")]
    assert [u_label(label) for label in labels] == [idna.ulabel(label) for label in labels]


@given(resident_ids(date(1900, 1, 1), date(1999, 12, 31)))
def test_fifteen_digits_mean_the_eighteen(number: str) -> None:
    short = number[:6] + number[8:17]
    found = canonicalise(Kind.RESIDENT_ID, short, suppression=None)
    assert found.canonical == number


@given(RESIDENT_IDS, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number: str, place: int, shift: int) -> None:
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert refusal_of(Kind.RESIDENT_ID, wrong) is not None


@given(st.binary(max_size=40))
def test_base58_is_one_to_one(data: bytes) -> None:
    assert base58_decode(base58_encode(data)) == data


@given(st.text("123456789ABCabcz0", max_size=40))
def test_base58_has_one_text(text: str) -> None:
    data = base58_decode(text)
    assert data is None or base58_encode(data) == text
