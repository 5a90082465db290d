"""OUT/selected: the pictures that COTI trained on, as a dataset of its own with what the pool says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Template

from schemas import atomic
from schemas.features import SOURCE_COTI, SOURCE_OURS, Column, arrow_schema, pool
from trainers.coti.choices import Pool
from trainers.coti.cycles import Record

COLUMNS = (
    *(column for column in pool(1) if column.name not in ("embedding", "status", "integrated_score")),
    Column("cycle", "int32", "cycle of COTI in which the picture was chosen; 0 for seeds", SOURCE_OURS),
    Column("score", "float32", "what it was chosen by, S_int (Eq. 11) for --select coti; null for seeds and for what "
           "chance chose", SOURCE_COTI),
)
"""The scores are those at the time of the choice; of seeds those of the pool's build."""
_CARD = Template("""---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---

# {{ concept }}: what COTI chose

{{ rows }} pictures that `trainers coti` trained on, {{ seeds }} of them seeds, of a pool with content
{{ digest[:16] }}. Each has the licence and attribution that its source named (columns `license`, `attribution`, `url`).

| column | meaning |
|---|---|
| `image` | the picture |
{% for column in columns if column.name != "image" -%}
| `{{ column.name }}` | {{ column.meaning }} |
{% endfor %}""")


def write(folder: Path, pool: Pool, records: Sequence[Record], concept: str) -> None:
    """Writes the dataset, whole or not at all; nothing when it is there already."""
    if folder.exists():
        return
    rows = []
    for record in records:
        for choice in record.chosen:
            row = pool.rows[pool.at([choice.id])[0]]
            scores = {} if choice.aesthetic is None else {"aesthetic_score": choice.aesthetic,
                                                          "concept_score": choice.concept}
            rows.append({**{column.name: row.get(column.name) for column in COLUMNS}, "cycle": record.cycle,
                         "score": choice.score, **scores})
    with atomic.whole(folder) as temporary:
        (temporary / "data").mkdir()
        table = pa.Table.from_pylist(rows, arrow_schema(COLUMNS))
        pq.write_table(table, temporary / "data" / "train-00000-of-00001.parquet", row_group_size=100)
        page = _CARD.render(concept=concept, rows=len(rows), seeds=pool.seeds, digest=pool.data.digest,
                            columns=COLUMNS)
        (temporary / "README.md").write_text(page, encoding="utf-8")
