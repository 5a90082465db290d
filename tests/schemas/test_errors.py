from schemas.errors import BuildError, LikenessError, RowError, UsageError


def test_usage_error_says_what_seen_allowed_and_next() -> None:
    error = UsageError("--count is out of range", seen=3, allowed="20 to 100", next_command="add --count 20")
    assert str(error) == "--count is out of range (got 3); allowed: 20 to 100; try: add --count 20"


def test_consequences() -> None:
    assert UsageError("x").exit_code == 2
    assert BuildError("x").exit_code == 1
    assert not issubclass(RowError, BuildError)
    assert issubclass(RowError, LikenessError)
    assert str(RowError("truncated", "3 of 9 bytes")) == "truncated: 3 of 9 bytes"
