"""`build verify` of a pool's index: is it this very pool's, and does every row find itself?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from builders.published import shards
from builders.vector_index import FACTS, FILE, FOLDER, POOL, Facts, read_facts, read_index, stored
from schemas.errors import UsageError
from schemas.locations import Location
from schemas.manifest import Manifest

_ROUNDED = 1e-3
"""What a number of a vector, -1..1, may lose as a float16 code."""
_ASKED = 200
"""Rows, evenly spread, that search for themselves; vectors are compared for all."""


def index_faults(folder: Location, manifest: Manifest) -> Iterator[str]:
    """What is wrong with the index of a published pool, in words."""
    try:
        facts, index = read_facts(folder), read_index(folder)
    except UsageError as error:
        yield f"{FOLDER}/{FACTS}: {error}"
        return
    except (OSError, ValueError, MemoryError) as error:
        yield f"{FOLDER}/{FILE} cannot be read: {error}"
        return
    faults = list(_said(facts, index, manifest))
    yield from faults
    if faults:
        return
    try:
        yield from _rows(folder, facts, index)
    except (OSError, ValueError, RuntimeError, pa.ArrowException) as error:
        yield f"{FOLDER}/{FILE} cannot be compared with the rows: {error}"


def _said(facts: Facts, index: Any, manifest: Manifest) -> Iterator[str]:
    """What is said of the index against the manifest and the index itself."""
    import faiss

    if facts.dataset != manifest.content_digest:
        yield (f"{FOLDER}/{FACTS}: the index is of dataset {facts.dataset[:16]}, this one is "
               f"{manifest.content_digest[:16]}")
    width = manifest.options.get("embedding_width")
    for name, mine, said in (("rows", facts.rows, manifest.splits.get(POOL)), ("numbers a row", facts.width, width)):
        if mine != said:
            yield f"{FOLDER}/{FACTS}: the index has {mine} {name}, the manifest says {said}"
    seen = {"rows": index.ntotal, "width": index.d, "nprobe": getattr(index, "nprobe", None)}
    told = {"rows": facts.rows, "width": facts.width, "nprobe": facts.parameters.get("nprobe")}
    yield from (f"{FOLDER}/{FILE}: its {name} is {seen[name]}, {FACTS} says {told[name]}" for name in seen
                if seen[name] != told[name])
    if facts.metric != "inner_product" or index.metric_type != faiss.METRIC_INNER_PRODUCT:
        yield f"{FOLDER}/{FILE}: the metric is no inner product"
    if not 0 <= facts.recall_at_10 <= 1:
        yield f"{FOLDER}/{FACTS}: recall_at_10 is {facts.recall_at_10}"


def _rows(folder: Location, facts: Facts, index: Any) -> Iterator[str]:
    if hasattr(index, "make_direct_map"):  # where a row lies in which cell
        index.make_direct_map()
    every, start = max(1, facts.rows // _ASKED), 0
    for vectors in stored(shards(folder, POOL)):
        numbers = np.arange(start, start + len(vectors))
        there = index.reconstruct_n(start, len(vectors))
        other = ~(np.abs(there - vectors) <= _ROUNDED).all(axis=1)
        yield from (f"{FOLDER}/{FILE}: row {number} is not row {number} of the pool" for number in numbers[other])
        asked = numbers[numbers % every == 0]
        asked = asked[~other[asked - start]]
        cosines, found = index.search(vectors[asked - start], 1)
        itself = (found[:, 0] == asked) | (cosines[:, 0] >= 1 - _ROUNDED)  # or one just like it
        yield from (f"{FOLDER}/{FILE}: row {number} does not find itself" for number in asked[~itself])
        start += len(vectors)
