"""A study of what people prefer: the page that asks, and what their answers say. Works in the core."""
