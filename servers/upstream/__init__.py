"""Ways to an upstream server: where it is, whether its address is allowed, and how its bytes travel."""
