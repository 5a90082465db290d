"""What `datasets` reads, it keeps a copy of: here in a folder of the tests."""

import signal
import sys
from collections.abc import Iterator

import datasets
import pytest


@pytest.fixture(autouse=True, scope="session")
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """A process has one precision and one way to train; each test may choose its own. Two tests share two cores."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    yield
    state = sys.modules.get("accelerate.state")
    if state:
        state.AcceleratorState._reset_state(reset_partial_state=True)
        state.GradientState._reset_state()


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """A command that Ctrl-C ended heeds no more of them: other tests press it, too."""
    usual = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, usual)
