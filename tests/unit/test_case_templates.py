"""What may be released: words that are frozen, read in both languages, and no others."""

import pytest

from alliance.cases.templates import (
    FIELD_WORDINGS,
    MAX_ANSWER_FIELDS,
    MAX_VALUE_BYTES,
    TEMPLATE_WORDINGS,
    TEMPLATES,
    check_fields,
    fields_of,
    is_file_name,
)
from alliance.errors import CaseInvalid

WORDINGS = {**TEMPLATE_WORDINGS, **FIELD_WORDINGS}


def test_a_field_is_in_one_template_and_has_a_label() -> None:
    listed = [field for fields in TEMPLATES.values() for field in fields]
    assert sorted(listed) == sorted(FIELD_WORDINGS)
    assert set(TEMPLATES) == set(TEMPLATE_WORDINGS)
    assert {"identity", "loan", "account", "transactions", "device", "contact", "narrative"} <= set(TEMPLATES)


@pytest.mark.parametrize("name", WORDINGS)
def test_every_word_reads_in_both_languages(name: str) -> None:
    wording = WORDINGS[name]
    assert any("\u4e00" <= character <= "\u9fff" for character in wording.label("zh-CN"))
    assert wording.label("en").isascii()
    assert wording.label("en")
    assert name.isascii()
    assert name == name.lower()


def test_what_is_released_is_named_once_and_said() -> None:
    check_fields([("account_number", "6222"), ("account_status", "frozen")])
    assert "account_number" in fields_of("account")
    wrong = [
        [("shoe_size", "43")],
        [("account_number", "6222"), ("account_number", "6223")],
        [("account_number", " ")],
        [("what_happened", "x" * (MAX_VALUE_BYTES + 1))],
        [(name, "x") for name in list(FIELD_WORDINGS) * 2][: MAX_ANSWER_FIELDS + 1],
    ]
    for fields in wrong:
        with pytest.raises(CaseInvalid) as refused:
            check_fields(fields)
        assert not [value for _, value in fields if value.strip() and value in str(refused.value) and value != "x"]
    with pytest.raises(CaseInvalid):
        fields_of("everything")


def test_a_file_has_a_plain_name() -> None:
    for name in ("statement.pdf", "对账单.pdf", "a"):
        assert is_file_name(name)
    for name in ("", "a/b", "..", ".", "a\\b", "c:d", "a\nb", "x" * 129, "字" * 43):
        assert not is_file_name(name)
