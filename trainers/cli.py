"""`trainers …`: thin trainers over published datasets."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from schemas.errors import UsageError


def main(words: Sequence[str] | None = None) -> int:
    """Says what there is. Returns the exit code."""
    words = sys.argv[1:] if words is None else words
    print("usage: trainers METHOD [options]\n\n"
          "This version of Likeness builds datasets and has no training method yet.\n"
          "A dataset that `build` published opens with datasets.load_dataset(DIR).")
    if words and words[0] not in ("-h", "--help"):
        error = UsageError("unknown method", seen=words[0], allowed="none in this version")
        print(f"trainers: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
