import threading
import time

import pytest

torch = pytest.importorskip("torch")

from trainers.training.draws import At  # noqa: E402
from trainers.training.feeding import Row, Share, batches, gather  # noqa: E402


class Numbers:
    """Rows that say where they stood; every slot has one that regularizes, and only the odd slots' have masks."""

    def __init__(self, fails_at: int = -1) -> None:
        self.asked: list[At] = []
        self.fails_at = fails_at

    def rows(self, at: At) -> list[Row]:
        self.asked.append(at)
        time.sleep(0.002 * (at.step % 3))  # later ones are ready earlier
        if at.step == self.fails_at:
            raise ValueError("row 7 is broken")
        made = []
        for prior in (False, True):
            row = Row(id=f"{at.step}.{at.slot}{'p' * prior}", pixels=torch.full((3, 4, 4), float(at.position)), text="",
                      noise=torch.zeros(4, 2, 2), latent_noise=torch.ones(4, 2, 2), timestep=at.slot,
                      size=(1, 2, 3, 4, 5, 6), prior=prior)
            if at.slot % 2 and not prior:
                row["mask"] = torch.zeros(1, 2, 2)
            made.append(row)
        return made


def test_processes_side_by_side_are_one_with_a_bigger_batch() -> None:
    one = Share(batch=4, accumulation=2)
    two = [Share(batch=2, accumulation=2, processes=2, process=process) for process in range(2)]
    assert one.whole == 8 and {share.whole for share in two} == {8}
    assert [list(slots) for slots in one.slots()] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [list(slots) for slots in two[0].slots()] == [[0, 1], [4, 5]]
    assert [list(slots) for slots in two[1].slots()] == [[2, 3], [6, 7]]


def test_a_batch_has_the_subject_first() -> None:
    batch = gather(Numbers(), seed=0, step=3, slots=[0, 1], whole=2)
    assert batch["ids"] == ["3.0", "3.1", "3.0p", "3.1p"]
    assert batch["prior"].tolist() == [False, False, True, True]
    assert batch["pixels"][:, 0, 0, 0].tolist() == [6, 7, 6, 7]
    assert batch["timesteps"].tolist() == [0, 1, 0, 1] and batch["timesteps"].dtype == torch.int64
    assert batch["sizes"].tolist() == [[1, 2, 3, 4, 5, 6]] * 4
    assert batch["noise"].shape == (4, 4, 2, 2) and batch["latent_noise"].sum() == 64


def test_masks_are_whole_where_a_row_has_none() -> None:
    batch = gather(Numbers(), seed=0, step=0, slots=[0, 1], whole=2)
    assert batch["mask"] is not None and batch["mask"].flatten(1).mean(1).tolist() == [1, 0, 1, 1]
    assert gather(Numbers(), seed=0, step=0, slots=[0], whole=2)["mask"] is None


@pytest.mark.parametrize("threads", [1, 3])
def test_steps_come_in_order_whatever_the_threads(threads: int) -> None:
    found = list(batches(Numbers(), 0, range(5, 15), Share(batch=1, accumulation=2), threads))
    assert [[batch["ids"][0] for batch in step] for step in found] == [[f"{step}.0", f"{step}.1"]
                                                                       for step in range(5, 15)]


def test_no_more_is_fetched_than_so_many_ahead() -> None:
    view = Numbers()
    feed = batches(view, 0, range(1000), Share(), threads=2)
    next(feed)
    feed.close()
    assert len(view.asked) <= 4
    assert not [one for one in threading.enumerate() if one.name.startswith("feed")]


def test_what_a_view_raises_comes_at_its_place() -> None:
    feed = batches(Numbers(fails_at=2), 0, range(5), Share(), threads=3)
    assert len([next(feed), next(feed)]) == 2
    with pytest.raises(ValueError, match="row 7"):
        next(feed)
    assert not [one for one in threading.enumerate() if one.name.startswith("feed")]
