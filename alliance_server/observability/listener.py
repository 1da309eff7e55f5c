"""The port for metrics: plain HTTP on threads of its own, so that whoever scrapes keeps no call waiting."""

from threading import Thread
from wsgiref.simple_server import WSGIServer

import prometheus_client
from prometheus_client import CollectorRegistry

from alliance_server.config import ConfigurationInvalid


class MetricsListener:
    """Serves a registry at HOST:PORT until it is closed."""

    def __init__(self, address: str, registry: CollectorRegistry) -> None:
        """Start; raises ConfigurationInvalid where the port is not to be had."""
        # A second series for each, of when counting began: nobody asks for it, and it doubles what is scraped.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it takes nothing and says nothing
        host, _, port = address.rpartition(":")
        self._server: WSGIServer
        self._thread: Thread
        try:
            self._server, self._thread = prometheus_client.start_http_server(int(port), host.strip("[]"), registry)
        except OSError:
            raise ConfigurationInvalid(
                f"cannot listen on {address} for metrics: is a hub running already? Another port: metrics_listen"
            ) from None
        self.port = self._server.server_port

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
