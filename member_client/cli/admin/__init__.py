"""`member-client admin`: what admins of the alliance do, with what it would change shown before it is asked for."""
