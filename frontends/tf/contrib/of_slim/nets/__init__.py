"""``slim.nets``: networks by name, with the variables and end points that slim gives them."""
