"""What every party of the alliance must compute identically: pure, no sockets, no SQL, no asyncio."""
