"""From words to prompts: pools, packaged, of one's own or asked of a chat model, and the plan that deals them out."""
