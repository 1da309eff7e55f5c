"""The hub that a test holds."""

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from rich.console import Console

from alliance.cases.words import InstrumentType
from alliance.errors import Reason
from alliance.identifiers import Kind
from alliance.taxonomy import Category, EvidenceLevel, SubjectRole
from alliance_server.bootstrap import Hub
from alliance_server.cli.hub import init_hub
from alliance_server.config import CONFIG_FILE, HubConfig
from alliance_server.domain.members import Role
from alliance_server.services.enrolment import EnrolmentService
from alliance_server.services.filter_maintenance import HEARTBEAT_LIFE_MS
from alliance_server.services.renewal import RenewalService
from alliance_server.testing._clock import HubClock
from alliance_server.testing._faults import EVERY_METHOD, Faults, checked_method
from alliance_server.testing._isolation import IssuerInMachineTime, no_settings
from alliance_server.testing._loop import LoopThread
from alliance_server.testing._offices import FiledClaim, LiaisonOffice, Offices, claim_row, ending_after
from member_client import AllianceClient, Profile

ALLIANCE: Final = "test"
FOLDER: Final = "hub"
_FREE_PORT: Final = "127.0.0.1:0"
_MAINTENANCE_SECONDS: Final = 0.2
_FILTER_IS_STALE_AFTER: Final = HEARTBEAT_LIFE_MS / 1000 + 1

T = TypeVar("T")


def make_folder(folder: Path) -> None:
    """Make the folder of a hub under test; a copy of it is another such hub."""
    with no_settings():
        init_hub(Console(quiet=True), folder, ALLIANCE, ["127.0.0.1"], _FREE_PORT, _FREE_PORT, "")


class AllianceHub:
    """A real hub in this process, of the alliance `test`; a context manager, which starts and stops it.

    The fixture `alliance_hub` gives one to a test. For another scope, make it yourself:

    ```python
    @pytest.fixture(scope="module")
    def shared_hub(tmp_path_factory):
        with AllianceHub(tmp_path_factory.mktemp("alliance")) as hub:
            yield hub
    ```

    Everything that it and its lenders keep is in the folder that it was given.
    """

    clock: HubClock
    """The time of the hub and of the clients that it makes."""

    def __init__(self, folder: Path) -> None:
        """Take an empty folder, or one that holds a hub from before; `start` follows."""
        self.clock = HubClock(self._caught_up)
        self._folder = folder
        self._ports = (0, 0)
        self._hub: Hub | None = None
        self._loop = LoopThread()
        self._faults = Faults(self.clock)
        self._offices = Offices(folder, self.clock)

    def __repr__(self) -> str:
        return f"AllianceHub({f'127.0.0.1:{self._ports[0]}' if self._hub else 'stopped'})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._loop.close()

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the hub, with all that it knew before, and on the ports that it had; a running one stays as it is.

        A client needs a moment to find a hub that is back: the SDK tries again by itself, for some seconds.
        """
        if self._hub is None:
            self._loop.call(self._started())

    def stop(self) -> None:
        """Stop the hub, as one that is away: nobody listens on its ports. A stopped one stays as it is.

        Calls under way end first; what was held by `delay` is let go. Verdicts of `screen` are then `unknown`, and
        their action is what `on_unavailable` says. Bulk work (`screen_many`, `contribute`) waits up to two minutes for
        a hub that comes back, so `start` it from another task or thread where a test wants to see that.
        """
        if self._hub is not None:
            self._loop.call(self._stopped(self._hub))

    @property
    def address(self) -> str:
        """Where members call the hub, `host:port`."""
        return f"127.0.0.1:{self._ports[0]}"

    # -- lenders -------------------------------------------------------------------------------------------------

    def client(
        self,
        name: str,
        *,
        deadline_ms: int | None = None,
        on_unavailable: Literal["step_up", "proceed", "raise"] = "step_up",
    ) -> AllianceClient:
        """Give a client of a lender, on the hub's clock; the lender is enrolled at its first use.

        `name` is a member id: a-z, 0-9 and inner hyphens. Each call makes a client of its own, which is the test's to
        close: `async with`, or `with client.blocking` in synchronous code. A program under test that makes its client
        by `AllianceClient.from_env()` finds the profile through the variable `ALLIANCE_HOME`; see `profile`.
        """
        profile = self.profile(name)
        return AllianceClient(profile, deadline_ms=deadline_ms, on_unavailable=on_unavailable, clock=self.clock)

    def profile(self, name: str) -> Profile:
        """Give the profile of a lender, enrolled at its first use; `profile(name).folder` is for `ALLIANCE_HOME`.

        A client that is made of it without this hub's clock goes by the machine's, which is the same until the hub's
        is advanced; and `file_claim` advances it.
        """
        return self._do(lambda hub: self._offices.profile(hub, name))

    def bundle(self, name: str) -> Path:
        """Invite a lender and give the path of its enrolment bundle, for tests of enrolment itself.

        Its token works once, within 24 hours of the hub's clock. Raises the hub's refusal for a lender that is
        enrolled already.
        """
        return self._do(lambda hub: self._offices.bundle(hub, name))

    def confirm(self, name: str, words: str) -> None:
        """Confirm the key with which a lender enrolled by its bundle, by the words of its fingerprint.

        Until then the hub refuses its calls: the SDK raises KeyNotConfirmed. The words are those of
        `member_client.fingerprint(profile)`. Raises the alliance's FingerprintDiffers for those of another key.
        """
        self._do(lambda hub: hub.enrolment.confirm(name, words))

    # -- police cases --------------------------------------------------------------------------------------------

    def liaison(
        self,
        name: str = "police",
        *,
        instruments: Sequence[str | InstrumentType] = tuple(InstrumentType),
        categories: Sequence[str | Category] = tuple(Category),
    ) -> LiaisonOffice:
        """Give a liaison with two officers, `officer-1` and `officer-2`; it is enrolled at its first use.

        It may act under these instruments and ask about these categories, until it is asked for again with others: all
        there are, where they are not given, and nothing where both are empty.
        """
        return self._do(lambda hub: self._offices.liaison(hub, name, instruments, categories))

    def approver(self, function: Literal["legal_approver", "duty_officer"]) -> Profile:
        """Give the profile of who approves police cases in a function; they are enrolled at their first use."""
        role = Role[function.upper()]
        return self._do(lambda hub: self._offices.profile(hub, function.replace("_", "-"), role))

    # -- claims --------------------------------------------------------------------------------------------------

    def file_claim(
        self,
        kind: str | Kind,
        text: str,
        *,
        category: str | Category = Category.MULE_ACCOUNT,
        role: str | SubjectRole = SubjectRole.PERPETRATOR,
        evidence: str | EvidenceLevel = EvidenceLevel.E1,
        expires_in_days: float | None = None,
        by: str = "other-lender",
    ) -> FiledClaim:
        """File another lender's claim about an identifier; it is in the filter when this returns.

        `kind` is a kind, or the name of a device's id (`oaid`, `idfa`, `android_id`, `mac`); `text` is as somebody
        would type it. The words are those of the alliance's tables, as texts or as members of `Category`,
        `SubjectRole` and `EvidenceLevel`; what of them makes which action, `docs/reference/words.md` says. Evidence
        above E1 is made up, and at E4 and E5 a liaison of the fixture's own countersigns it. Without `expires_in_days`
        the claim lives as long as the retention table allows: 90 days at E1. A lender does not match its own claims, so
        `by` is somebody else than who screens. To file the same again gives the claim that stands.

        Moves the clock on by five minutes, for which members believe a filter: no client goes on with an older one.
        Raises ValueError for unknown words and for claims that are refused.
        """
        ends_at = ending_after(expires_in_days, self.clock.now_ms())
        row = claim_row(kind, text, category=category, role=role, evidence=evidence, expires_at=ends_at)
        claim = self._do(lambda hub: self._exempt(self._offices.file(hub, row, by)))
        self.settle()
        return claim

    def withdraw(self, claim: FiledClaim, *, reason: str = "filed_in_error") -> None:
        """Withdraw a claim, in the name of who filed it: nobody matches it any more when this returns."""
        self._do(lambda hub: self._exempt(self._offices.withdraw(hub, claim, reason)))

    def settle(self) -> None:
        """Let every client see the registry as it is now, such as claims that the program under test contributed.

        Brings the filter up to the registry, and moves the clock on by five minutes, for which members believe a
        filter that they have.
        """
        self.clock.advance(seconds=_FILTER_IS_STALE_AFTER)

    # -- faults --------------------------------------------------------------------------------------------------

    def fail_next(self, method: str, *, reason: Reason = Reason.UNAVAILABLE, times: int | None = 1) -> None:
        """Let the next calls of a method fail, as the hub itself would say it.

        `method` is a name of the protocol: `Evaluate` and `GetBuckets` are those of a screening, `GetFilter` that of
        its filter, `Contribute` that of claims. `reason` is one of `alliance.errors.Reason`; the SDK raises the
        exception that belongs to it, or settles what it can. What passes by itself (`UNAVAILABLE`) the SDK tries again:
        `screen` some times within its deadline, bulk work (`screen_many`, `contribute`) for two minutes. So one such
        failure is not seen. `times=None` lets all calls fail until `times=0` forgets what was asked for: a hub that
        stays busy.

        Raises ValueError for a name that is no method's; it lists the names.
        """
        given: object = reason
        if not isinstance(given, Reason):
            raise ValueError("reason is one of alliance.errors.Reason, such as Reason.BUDGET_EXHAUSTED")  # noqa: TRY004
        if times is not None and times < 0:
            raise ValueError("times is 0 or more, or None for all")
        name = checked_method(method)
        self._loop.call(_now(lambda: self._faults.fail(name, reason, times)))

    def delay(self, ms: float, method: str = EVERY_METHOD) -> None:
        """Hold every call, or every call of one method, so many milliseconds before the hub sees it; 0 ends that.

        `delay(0)` ends every delay. What is held at that moment is let go. A method's own delay goes before that of
        all. Raises ValueError for a name that is no method's; it lists the names.
        """
        if ms < 0:
            raise ValueError("a delay is 0 or more milliseconds")
        name = checked_method(method) if method else EVERY_METHOD
        self._loop.call(_now(lambda: self._faults.hold(name, ms / 1000)))

    # -- on the hub's thread -------------------------------------------------------------------------------------

    def _do(self, work: Callable[[Hub], Coroutine[Any, Any, T]]) -> T:
        if self._hub is None:
            raise RuntimeError("the hub is stopped: start() it first")
        return self._loop.call(work(self._hub))

    def _caught_up(self) -> None:
        if self._hub is not None:
            self._loop.call(self._turned(self._hub))

    @staticmethod
    async def _turned(hub: Hub) -> None:
        await hub.maintenance.turn()

    async def _exempt(self, work: Coroutine[Any, Any, T]) -> T:
        with self._faults.exempt():
            return await work

    async def _started(self) -> None:
        hub = self._opened()
        await hub.start()
        self._ports = hub.port, hub.enrolment_port
        await hub.maintenance.turn()
        self._hub = hub

    def _opened(self) -> Hub:
        folder = self._folder / FOLDER
        if not (folder / CONFIG_FILE).exists():
            make_folder(folder)
        listen, enrolment_listen = (f"127.0.0.1:{port}" for port in self._ports)
        with no_settings():
            config = HubConfig(
                folder=folder,
                listen=listen,
                enrolment_listen=enrolment_listen,
                compute_threads=2,
                maintenance_seconds=_MAINTENANCE_SECONDS,
            )
            hub = Hub(config, clock=self.clock, interceptors=(self._faults,))
        issuer = IssuerInMachineTime(hub.keys.authority)
        hub.enrolment = EnrolmentService(hub.store, issuer, hub.keys.identity, self.clock)
        hub.renewal = RenewalService(hub.store, issuer)
        return hub

    async def _stopped(self, hub: Hub) -> None:
        self._hub = None
        self._faults.let_go()
        await self._offices.rest()
        await hub.stop()


async def _now(act: Callable[[], None]) -> None:
    act()
