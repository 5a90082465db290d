"""The only training loop, and what it is made of: methods, chance, batches, checkpoints, samples, the record."""
