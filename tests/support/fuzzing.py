"""Seeded makers of hostile messages: noise, damaged messages, and well-formed ones of extreme values."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

STRINGS = [
    *("", "a", "lender-1", "1-1", "-1", "9" * 18, "9" * 19, "x" * 33, "x" * 5000, "贷款" * 20, "１"),
    *("\x00", "a\x00b", "\u202e", "\ufeff", "\U0001f4a9", "'; DROP TABLE claims;--", "%s%n", "../../etc/passwd", "{}"),
]
LENGTHS = [0, 1, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 511, 512, 513, 3000]
UNSIGNED_32 = [0, 1, 2, 7, 20, 21, 1000, 1001, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
UNSIGNED_64 = [*UNSIGNED_32, 2**53, 2**63 - 1, 2**63, 2**64 - 1]
SIGNED_32 = [0, 1, 2, 3, 13, -1, 2**15, -(2**15) - 1, 2**31 - 1, -(2**31)]
SIGNED_64 = [*SIGNED_32, 1_800_000_000_000, 2**53, 2**63 - 1, -(2**63)]

_NUMBERS: dict[int, list[int]] = {
    FieldDescriptor.CPPTYPE_UINT32: UNSIGNED_32,
    FieldDescriptor.CPPTYPE_UINT64: UNSIGNED_64,
    FieldDescriptor.CPPTYPE_INT32: SIGNED_32,
    FieldDescriptor.CPPTYPE_INT64: SIGNED_64,
    FieldDescriptor.CPPTYPE_ENUM: SIGNED_32,
    FieldDescriptor.CPPTYPE_BOOL: [False, True],
}


def value_of(dice: random.Random, descriptor: FieldDescriptor) -> Any:
    """Draw an extreme value for a scalar field."""
    if descriptor.cpp_type in _NUMBERS:
        return dice.choice(_NUMBERS[descriptor.cpp_type])
    if descriptor.type == FieldDescriptor.TYPE_STRING:
        return dice.choice(STRINGS)
    return dice.randbytes(dice.choice(LENGTHS))


def spoil(dice: random.Random, message: Message, changes: int) -> None:
    """Give some fields of a message extreme values."""
    fields: list[Any] = list(message.DESCRIPTOR.fields)
    for descriptor in dice.sample(fields, min(changes, len(fields))):
        repeated = descriptor.is_repeated
        if descriptor.message_type:
            children = getattr(message, descriptor.name)
            if repeated:
                for _ in range(dice.choice([0, 1, 3])):
                    spoil(dice, children.add(), 9)
            else:
                children.SetInParent()
                spoil(dice, children, changes)
        elif repeated:
            values = [value_of(dice, descriptor) for _ in range(dice.choice([0, 1, 5, 50]))]
            getattr(message, descriptor.name).extend(values)
        else:
            setattr(message, descriptor.name, value_of(dice, descriptor))


def damage(dice: random.Random, content: bytes) -> bytes:
    """Flip bits of a serialised message, cut it, repeat part of it, or put noise into it."""
    spoilt = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(spoilt) + 1)
        match dice.randrange(4):
            case 0 if spoilt:
                spoilt[place % len(spoilt)] ^= 1 << dice.randrange(8)
            case 1:
                del spoilt[place:]
            case 2:
                spoilt[place:place] = spoilt[: dice.randrange(40)]
            case _:
                spoilt[place:place] = dice.randbytes(dice.randrange(1, 12))
    return bytes(spoilt)


def hostile(dice: random.Random, good: Callable[[], Message], count: int) -> Iterator[bytes]:
    """Make serialised requests: a tenth noise, then damaged ones, then ones of extreme values."""
    for number in range(count):
        request = good()
        if number % 10 == 0:
            yield dice.randbytes(dice.choice(LENGTHS))
        elif number % 2:
            yield damage(dice, request.SerializeToString())
        else:
            spoil(dice, request, dice.randint(1, 3))
            yield request.SerializeToString()
