"""What `datasets` reads, it keeps a copy of: here in a folder of the tests."""

import datasets
import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")
