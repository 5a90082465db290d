"""Where posts come from: each source yields Posts and nothing else."""
