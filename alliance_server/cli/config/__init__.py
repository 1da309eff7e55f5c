"""`alliance-server config`: which settings hold, where they come from, and what is wrong with them."""
