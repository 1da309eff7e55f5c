"""What operators see of a running hub: metrics, and the port that shows them.

Rules:

1. A registry a hub: several hubs in a process share nothing.
2. Labels are methods, outcomes, reasons, purposes and epochs: of few values, all of them the hub's own words. Never a
   member, an identifier, a tag or a prefix.
3. Services and storage know nothing of this room: it stands around them, behind ports of one or two methods.
4. On the event loop a call costs a few counters. What must be read, is read on the thread of whoever asks.
"""
