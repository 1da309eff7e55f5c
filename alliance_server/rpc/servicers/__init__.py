"""One servicer a service: reads the message, calls the service, writes the message."""
