"""The member's copy of the filter: verified before it is used, kept fresh, and never put back."""

from member_client._filter.keeper import FilterKeeper
from member_client._filter.live import LiveFilter

__all__ = ["FilterKeeper", "LiveFilter"]
