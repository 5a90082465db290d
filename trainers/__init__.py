"""Thin trainers that read what `datasets.load_dataset` returns."""
