"""COTI: textual inversion that chooses its own pictures, cycle by cycle."""
