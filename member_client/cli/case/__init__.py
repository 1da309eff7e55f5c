"""`member-client case`: a liaison's cases, their approval, and what members that are asked release."""
