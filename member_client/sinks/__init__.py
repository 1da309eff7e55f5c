"""Where the events of a watch go: a file of lines, a webhook, any callable. Each is acknowledged once it is there."""

from member_client.sinks.delivering import Delivered, deliver, retry_dead_letters
from member_client.sinks.jsonl import JsonlSink
from member_client.sinks.webhook import WebhookSink, read_secret

__all__ = ["Delivered", "JsonlSink", "WebhookSink", "deliver", "read_secret", "retry_dead_letters"]
