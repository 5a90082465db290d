"""What servers say in headers: who may use a picture, and when to come back."""

import pytest

from builders.fetching.answers import refusal, rest


@pytest.mark.parametrize(("tags", "rule"), [
    ([], ""), (["all"], ""), (["nofollow, nosnippet"], ""), (["noai"], "noai"), (["NoImageAI"], "noimageai"),
    (["nofollow, noindex"], "noindex"), (["nofollow", "noimageindex"], "noimageindex"),
    (["otherbot: noindex"], ""), (["otherbot: nofollow, noindex"], ""), (["likeness: noai"], "noai"),
    (["LIKENESS : noai"], "noai"), (["*: noai"], "noai"), (["otherbot: noindex, likeness: noai"], "noai"),
    (["otherbot: noindex", "noai"], "noai"), (["max-image-preview: large, noai"], "noai"),
    (["unavailable_after: 25 Jun 2030 15:00:00 PST"], ""),
    (["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"], "noindex"),
    (["unavailable_after: Tuesday, 25-Jun-30 15:00:00 PST, noai"], "noai"),
    (["otherbot: unavailable_after: 25 Jun 2030 15:00:00 PST, noindex"], ""),
    (["noai-not-quite"], ""), ([""], ""), ([":,:,noai:"], ""),
])
def test_robots_tags(tags: list[str], rule: str) -> None:
    assert refusal(tags, "Likeness/1.0 (+https://example.org)") == rule


@pytest.mark.parametrize(("said", "seconds"), [
    ("120", 120.0), (" 0 ", 0.0), ("Thu, 01 Jan 1970 00:02:00 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ("", None), ("soon", None), ("-5", None), ("1.5", None), ("nan", None), ("٣", None),
    ("Thu, 01 Jan 99999 00:00:00 GMT", None),
])
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    assert rest(said, now=100.0) == seconds
