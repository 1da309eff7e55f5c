"""A real hub inside the tests of those who build on the SDK. Install `alliance-hub[testing]`.

In a `conftest.py` at the root of the tests:

```python
pytest_plugins = ["alliance_server.testing"]
```

or, in a single test module, `from alliance_server.testing import alliance_hub`. Every test that names the fixture
`alliance_hub` gets a hub of its own (`AllianceHub`): gRPC over TLS on free ports of loopback, SQLite in a temporary
folder, on a thread with an event loop of its own, so that tests may be synchronous or asynchronous. Where one hub for
several tests will do, make a fixture of a wider scope with `AllianceHub` itself.

Rules:

1. Nothing is simulated but the clock and the faults that a test asks for. The clock is shared by the hub and by the
   clients that it makes: `hub.clock.advance(days=91)`.
2. Every method blocks until what it says is done, and may be called from a test's coroutine: the work is done on the
   hub's thread.
3. What a test did is what the next screening sees: claims that `file_claim` filed are in the filter when it returns,
   and no client of this hub goes on with a filter from before.
4. Faults stand before the hub's own code: a call that fails by one is neither charged nor audited. They leave alone
   what the methods of `AllianceHub` do.
5. The hub never touches settings of the machine: variables `ALLIANCE_…` do not reach it.
"""

from alliance_server.testing._clock import HubClock
from alliance_server.testing._fixture import alliance_hub
from alliance_server.testing._hub import AllianceHub
from alliance_server.testing._offices import FiledClaim, LiaisonOffice

__all__ = ["AllianceHub", "FiledClaim", "HubClock", "LiaisonOffice", "alliance_hub"]
