"""The evaluator in the hub's own process."""

from dataclasses import replace

from support.stores import evaluation

from alliance.crypto.secret import Secret
from alliance.crypto.tagging import generate_key_pair
from alliance.errors import KeyFileInvalid
from alliance_server.services.compute import Compute
from alliance_server.services.local_evaluator import LocalEvaluator

KEY = generate_key_pair(Secret(bytes(32))).secret_key


def key_of(epoch: int) -> Secret:
    if epoch == 2:
        raise KeyFileInvalid("no key of epoch 2")
    return KEY


def test_an_epoch_whose_key_is_missing_is_no_other_epochs_trouble() -> None:
    compute = Compute(1)
    asked = [evaluation(), replace(evaluation(), epoch=2), evaluation()]
    first, second, third = LocalEvaluator(key_of, compute).evaluate(asked)
    assert isinstance(second, KeyFileInvalid)
    for answer in (first, third):
        assert isinstance(answer, tuple)
        assert len(answer[0].evaluated) == 32
    compute.close()
