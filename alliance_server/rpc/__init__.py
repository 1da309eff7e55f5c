"""gRPC's face of the services: messages in, messages out; authentication, authorisation and errors around them."""
