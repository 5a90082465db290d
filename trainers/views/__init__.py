"""Views: which rows of which dataset stand in a slot of a step."""
