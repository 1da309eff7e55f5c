"""The evaluator of a hub that holds the whole key: for development and pilots.

Whoever has both the key and the database can try identifiers one by one. Production splits the key among
custodians, behind the same port.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from alliance.crypto import tagging
from alliance.crypto.secret import Secret
from alliance.errors import AllianceError
from alliance_server.domain.evaluations import Evaluation
from alliance_server.domain.ports import Share
from alliance_server.services.compute import Compute

_CALLS_A_THREAD = 4
"""Fewer are done sooner than a second thread is woken."""


class LocalEvaluator:
    """Evaluates in this process."""

    def __init__(self, key_of: Callable[[int], Secret], compute: Compute) -> None:
        """Take a look-up of epoch keys, which raises KeyFileInvalid where there is none."""
        self._key_of = key_of
        self._compute = compute

    def evaluate(self, evaluations: Sequence[Evaluation]) -> list[tuple[Share, ...] | AllianceError]:
        """Evaluate admitted batches, each as the only share."""
        by_epoch: dict[int, list[int]] = defaultdict(list)
        for place, evaluation in enumerate(evaluations):
            by_epoch[evaluation.epoch].append(place)
        answers: dict[int, tuple[Share, ...] | AllianceError] = {}
        for epoch, places in by_epoch.items():
            try:
                key = self._key_of(epoch)
            except AllianceError as error:
                answers.update(dict.fromkeys(places, error))  # a key that is not there is no other epoch's trouble
                continue
            elements = [evaluations[place].elements for place in places]
            threads = max(1, min(self._compute.threads, len(places) // _CALLS_A_THREAD))
            outcomes = tagging.evaluate_many(key, elements, threads=threads)
            shares = ((Share(1, it.elements, it.proof),) for it in outcomes)
            answers.update(zip(places, shares, strict=True))
        return [answers[place] for place in range(len(evaluations))]
