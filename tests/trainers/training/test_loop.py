"""The loop, with a method of few numbers: what it writes, and that stopping changes nothing."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("diffusers")

from safetensors.torch import load_file  # noqa: E402

from schemas.errors import BuildError, UsageError  # noqa: E402
from tests.trainers import toy  # noqa: E402
from trainers.training import checkpoints, loop  # noqa: E402

pytestmark = pytest.mark.xdist_group("loop")
USUAL = {"schedule": "cosine", "warmup": 3, "ema": 0.9, "accumulation": 2, "batch_size": 2}


def options_of(out: Path, **others: Any) -> toy.Options:
    options = toy.Options(out=out, **others)
    options.check()
    return options


def trained(options: toy.Options, trouble: toy.Trouble | None = None) -> Path:
    assert loop.train(toy.Toy(), toy.View(trouble), options, toy.run_of(options)) == 0
    return options.out


def lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def files(out: Path) -> dict[str, bytes]:
    """What must not depend on interruptions, by path."""
    paths = [path for path in out.rglob("*") if path.is_file() and "tensorboard" not in path.parts
             and path.name not in ("run.json", "README.md")]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody stopped."""
    return trained(options_of(tmp_path_factory.mktemp("usual"), **USUAL))


def test_a_run_leaves_its_weights_log_checkpoints_and_record(usual: Path) -> None:
    assert [one["step"] for one in lines(usual)] == list(range(1, 13))
    for one in lines(usual):
        assert one["loss"] == pytest.approx(one["instance"] + one["prior"], rel=1e-6)
    assert [path.name for path in checkpoints.found(usual / "checkpoints")] == ["step-00000008", "step-00000012"]
    said = json.loads((usual / "run.json").read_text())
    assert said["finished"] and said["options"]["lr"] == 0.01 and said["data"]["data"]["digest"] == "d1"
    assert said["facts"]["trains"] == 3 + 12 + 50_000
    assert {"python", "torch", "diffusers", "accelerate"} <= set(said["versions"])
    assert (usual / "unet" / "config.json").exists() and not list(usual.glob(".tmp-*"))
    card = (usual / "README.md").read_text()
    assert "| data | toys | 1.0.0 | d1 |" in card and "12 steps" in card


def test_the_learning_rate_is_that_of_the_schedule(usual: Path) -> None:
    # Up from 0 in three steps, then half a cosine over the nine that are left.
    by_hand = [0, 1 / 3, 2 / 3] + [0.5 * (1 + math.cos(math.pi * gone / 9)) for gone in range(9)]
    assert [one["lr"] for one in lines(usual)] == pytest.approx([0.01 * one for one in by_hand])


@pytest.mark.parametrize("stop", [1, 5, 8, 11])
def test_going_on_is_as_if_nothing_had_happened(stop: int, usual: Path, tmp_path: Path) -> None:
    options = options_of(tmp_path, **USUAL)
    toy.loop_of(options).train(stop)  # and forgets all but its files
    trained(replace(options, resume=True))
    assert files(tmp_path) == files(usual)


def test_the_first_step_of_adam_is_as_long_as_the_rate(tmp_path: Path) -> None:
    one = toy.loop_of(options_of(tmp_path))
    one.train(1)
    # m / sqrt(v) is the sign of the gradient; weight decay has nothing to do at 0.
    assert one.method.first.abs().tolist() == pytest.approx([0.01] * 3, rel=1e-4)


def test_accumulation_is_a_bigger_batch(tmp_path: Path) -> None:
    small = trained(options_of(tmp_path / "small", batch_size=2, accumulation=3))
    big = trained(options_of(tmp_path / "big", batch_size=6))
    assert [one["loss"] for one in lines(small)] == pytest.approx([one["loss"] for one in lines(big)], rel=1e-5)
    same(small, big)


def same(here: Path, there: Path) -> None:
    """The weights within 1e-5: sums were made in another order."""
    mine, other = load_file(here / "toy.safetensors"), load_file(there / "toy.safetensors")
    assert set(mine) == set(other)
    for name, one in mine.items():
        torch.testing.assert_close(one, other[name], atol=1e-5, rtol=1e-4)


def test_the_average_is_what_is_published(tmp_path: Path) -> None:
    one = toy.loop_of(options_of(tmp_path, ema=0.15, steps=4))
    average = None
    # (1 + n) / (10 + n), at most 0.15: nothing of the start, then 2/11, too much, in steps 2 and later.
    for step, decay in enumerate([0.0, 0.15, 0.15, 0.15], 1):
        one.train(step)
        now = one.method.first.detach().clone()
        average = now if average is None else decay * average + (1 - decay) * now
    one.finish()
    torch.testing.assert_close(load_file(tmp_path / "toy.safetensors")["first"], average, atol=1e-7, rtol=1e-6)
    torch.testing.assert_close(load_file(tmp_path / "checkpoints/step-00000004/weights.safetensors")["first"], now)


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    options = options_of(tmp_path, batch_size=2, accumulation=2)
    with pytest.raises(BuildError) as caught:
        trained(options, toy.Trouble(poison=6))
    said = str(caught.value)
    # Step 7 of people; slot 1 is in the first of its two batches, which has slots 0 and 1.
    assert "the loss is nan in step 7" in said and "step-00000004 is the newest good one" in said
    rows = re.search(r"rows of its batch: ([^;]*)", said)
    ids = [row["id"] for slot in (0, 1) for row in toy.View().rows(toy.At(0, 6, slot, 4))]
    assert rows and rows[1].split(", ") == sorted(ids)
    assert [one["step"] for one in lines(tmp_path)] == [1, 2, 3, 4, 5, 6]
    kept = checkpoints.load(checkpoints.found(tmp_path / "checkpoints")[-1])
    assert all(one.isfinite().all() for one in kept.weights.values())
    assert not (tmp_path / "toy.safetensors").exists()


def test_tensorboard_reads_each_step_once(usual: Path, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = options_of(tmp_path, **USUAL)
    toy.loop_of(options).train(6)
    trained(replace(options, resume=True))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [one.step for one in events.Scalars("loss")] == list(range(1, 13))
    assert [one.value for one in events.Scalars("loss")] == pytest.approx([one["loss"] for one in lines(usual)])


def test_out_with_a_run_is_not_begun_again(usual: Path) -> None:
    with pytest.raises(UsageError, match="--resume"):
        trained(options_of(usual, **USUAL))


def test_a_finished_run_says_so(usual: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(usual)
    trained(options_of(usual, resume=True, **USUAL))
    assert "finished" in capsys.readouterr().err and files(usual) == before


def test_resume_begins_in_an_empty_folder(usual: Path, tmp_path: Path) -> None:
    assert files(trained(options_of(tmp_path / "new", resume=True, **USUAL))) == files(usual)


def test_other_options_are_named_on_resume(usual: Path) -> None:
    options = options_of(usual, **{**USUAL, "resume": True, "lr": 0.5, "seed": 3, "threads": 4, "keep": 9})
    with pytest.raises(UsageError) as caught:
        trained(options)
    said = str(caught.value)
    assert "--lr (0.01 there, 0.5 here)" in said and "--seed (0 there, 3 here)" in said
    assert "--threads" not in said and "--keep" not in said and "\n" not in said


def test_other_data_are_named_on_resume(usual: Path) -> None:
    options = options_of(usual, resume=True, **USUAL)
    with pytest.raises(UsageError, match=r"what --data holds \(d1 there, d2 here\)"):
        loop.train(toy.Toy(), toy.View(), options, toy.run_of(options, "d2"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"options": null}'])
def test_a_damaged_record_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(UsageError, match=r"run\.json cannot be read"):
        trained(options_of(tmp_path, resume=True))


def test_what_a_method_keeps_is_in_its_newest_checkpoint(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    one = toy.loop_of(options)
    one.train(4)  # a checkpoint is due
    one.extra = {"cycle": 1}
    one.begin(lr=0.002)
    one.checkpoint()
    one.checkpoint()  # nothing has changed
    assert [path.name for path in checkpoints.found(tmp_path / "checkpoints")] == ["step-00000004", "step-00000004-1"]
    one.train(6)
    other = toy.loop_of(replace(options, resume=True))
    assert (other.step, other.extra, other.lr) == (4, {"cycle": 1}, 0.002)
    assert not other.optimizer.state  # it was begun anew
    other.train(6)
    assert torch.equal(one.method.first, other.method.first)
    assert lines(tmp_path)[-1]["lr"] == 0.002


def test_a_damaged_checkpoint_is_one_line(tmp_path: Path) -> None:
    options = options_of(tmp_path)
    toy.loop_of(options).train(8)
    weights = tmp_path / "checkpoints/step-00000008/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(BuildError, match="step-00000008") as caught:
        toy.loop_of(replace(options, resume=True))
    assert "\n" not in str(caught.value)


def test_frozen_weights_take_the_precision_and_the_others_do_not(tmp_path: Path) -> None:
    one = toy.loop_of(options_of(tmp_path, precision="bf16"))
    one.train(4)
    assert one.method.unet.weight.dtype == torch.bfloat16
    assert one.method.vae.weight.dtype == one.method.first.dtype == torch.float32
    assert all(math.isfinite(line["loss"]) for line in lines(tmp_path))
    assert one.method.second.weight.grad is None  # set free after each step


def test_float16_is_not_for_a_cpu(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="bf16"):
        toy.loop_of(options_of(tmp_path, precision="fp16"))


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs scale a loss of some size as those in float16 do, which are not for a CPU; at first beyond what gradients
    hold."""
    made_of = loop._accelerator

    def accelerator(precision: str) -> Any:
        made = made_of(precision)
        made.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=1000)
        return made

    def forward(self: toy.Toy, batch: Any) -> dict[str, Any]:
        return {name: 64 * value for name, value in quiet(self, batch).items()}

    quiet = toy.Toy.forward
    monkeypatch.setattr(toy.Toy, "forward", forward)
    monkeypatch.setattr(loop, "_accelerator", accelerator)


def test_steps_whose_scaled_gradients_are_too_long_change_nothing(scaled: None, tmp_path: Path) -> None:
    one, before = toy.loop_of(options_of(tmp_path)), toy.Toy().weights()
    one.train(1)
    assert all(torch.equal(one.method.weights()[name], value) for name, value in before.items())
    assert one.accelerator.scaler.get_scale() == 2.0**126 and "grad_norm" not in lines(tmp_path)[0]
    one.train(12)
    norms = [line.get("grad_norm") for line in lines(tmp_path)]
    taken = next(step for step, norm in enumerate(norms) if norm is not None)
    assert 1 < taken < 12 and None not in norms[taken:] and all(0 < norm < 1000 for norm in norms[taken:])
    assert not torch.equal(one.method.first, before["first"])


def test_a_scaled_run_goes_on_with_its_scale(scaled: None, tmp_path: Path) -> None:
    whole = trained(options_of(tmp_path / "whole"))
    options = options_of(tmp_path / "stopped")
    toy.loop_of(options).train(6)
    assert files(trained(replace(options, resume=True))) == files(whole)


def test_adam_in_8_bits_needs_its_package(tmp_path: Path) -> None:
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"pip install 'likeness\[bits\]'"):
            toy.loop_of(options_of(tmp_path, optimizer="adamw8bit"))
    else:
        pytest.skip("bitsandbytes is here")


def test_frozen_weights_stay_as_they_are(tmp_path: Path) -> None:
    one, before = toy.loop_of(options_of(tmp_path)), toy.Toy()
    one.train(5)
    for name in ("unet.weight", "vae.bias", "text_encoders.0.weight"):
        assert torch.equal(one.method.get_parameter(name), before.get_parameter(name))
    assert not torch.equal(one.method.second.weight, before.second.weight)
