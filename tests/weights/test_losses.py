"""Boxes, assignment and losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from weights.losses import assign, face_loss, matte_loss, overlap  # noqa: E402
from weights.net import Likeness, anchors, decode  # noqa: E402


def test_anchors_go_from_fine_to_coarse_row_by_row() -> None:
    centres, strides = anchors(64)
    assert centres.shape == (2, 64 + 16 + 4)
    assert centres[:, 0].tolist() == [4, 4] and centres[:, 1].tolist() == [12, 4] and centres[:, 8].tolist() == [4, 12]
    assert centres[:, 64].tolist() == [8, 8] and centres[:, 80].tolist() == [16, 16]
    assert strides[[0, 64, 80]].tolist() == [8, 16, 32]


def test_decode_measures_in_strides() -> None:
    raw = torch.zeros(1, 4, 84)
    raw[0, 2, 0] = math.log(3)
    assert decode(raw, 64)[0, :, 0].tolist() == pytest.approx([-4, -4, 28, 12])
    assert decode(raw, 64)[0, :, 80].tolist() == pytest.approx([-16, -16, 48, 48])


def test_overlap_by_hand() -> None:
    iou, giou = overlap(torch.tensor([0.0, 0, 2, 2]), torch.tensor([[1.0, 1, 3, 3], [4.0, 0, 6, 2]]))
    assert iou.tolist() == pytest.approx([1 / 7, 0])
    assert giou.tolist() == pytest.approx([1 / 7 - 2 / 9, -4 / 12])


def test_assignment_takes_anchors_inside_and_wants_the_best_iou() -> None:
    centres, _ = anchors(64)
    boxes = torch.stack([centres[0] - 10, centres[1] - 10, centres[0] + 10, centres[1] + 10], 1)
    faces = torch.tensor([[10.0, 10, 30, 30], [40.0, 40, 60, 60]])
    face, wanted = assign(torch.full((84,), 0.5), boxes, faces, centres)
    taken = wanted > 0
    assert 2 <= int(taken.sum()) <= 2 * 9
    for index in taken.nonzero().flatten().tolist():
        x0, y0, x1, y1 = faces[face[index]].tolist()
        assert x0 < centres[0, index] < x1 and y0 < centres[1, index] < y1
    # the nearest anchor to (20, 20) is the one at (20, 20) itself: IoU 1
    best = int(wanted.argmax())
    assert wanted[best] == pytest.approx(1.0, abs=1e-5)


def test_a_perfect_answer_costs_less_than_a_poor_one_and_unsure_anchors_cost_nothing() -> None:
    face = [torch.tensor([[10.0, 10, 30, 30]])]
    none = [torch.zeros(0, 4)]
    centres, strides = anchors(64)
    good = torch.full((1, 5, 84), -8.0)
    sides = [centres[0] - 10, centres[1] - 10, 30 - centres[0], 30 - centres[1]]
    inside = torch.stack(sides).amin(0) > 0
    for row, side in enumerate(sides):
        good[0, row, inside] = (side / strides)[inside].log()
    good[0, 4, inside] = 8.0
    poor = good.clone()
    poor[0, 4, ~inside] = 0.0
    assert float(face_loss(good, face, none, 64)) < 0.6 * float(face_loss(poor, face, none, 64))
    loud = torch.full((1, 5, 84), -8.0)
    loud[0, 4, inside] = 8.0
    assert float(face_loss(loud, none, face, 64)) < 0.01 < float(face_loss(loud, none, none, 64))


def test_matte_loss_is_near_nothing_for_the_truth() -> None:
    matte = torch.zeros(1, 1, 32, 32)
    matte[..., 8:24, 8:24] = 1
    assert float(matte_loss((matte - 0.5) * 40, matte)) < 0.01 < float(matte_loss(torch.zeros_like(matte), matte))


def test_both_heads_keep_their_layouts() -> None:
    net = Likeness().eval()
    pixels = torch.rand(2, 3, 64, 64)
    assert net.boxes(pixels).shape == (2, 5, 84)
    matte = net.matte(pixels)
    assert matte.shape == (2, 1, 64, 64)
    assert 0 <= float(matte.detach().min()) <= float(matte.detach().max()) <= 1
    raw, logits = net(pixels)
    corners = decode(raw[:, :4], 64)
    assert torch.allclose(net.boxes(pixels)[:, 0], (corners[:, 0] + corners[:, 2]) / 2)
    assert torch.allclose(matte, logits.sigmoid())
