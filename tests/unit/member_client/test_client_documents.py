"""JSON that reads as it is written, and moves no terminal."""

import json

import pytest

from member_client._documents import dumped


@pytest.mark.parametrize("control", ["\x1b", "\x9b", "\x7f", "\x85", "\u202e", "\u2066", "\u2028", "\u200f", "\u061c"])
def test_what_a_terminal_obeys_is_escaped_and_is_there_still(control: str) -> None:
    told = dumped({"reason": f"a{control}b"}, indent=2)
    assert control not in told
    assert json.loads(told) == {"reason": f"a{control}b"}


def test_letters_stay_letters() -> None:
    assert dumped({"类别": "涉诈资金中转账户 é 👪"}) == '{"类别": "涉诈资金中转账户 é 👪"}'
