"""A tiny network of IS-Net's architecture (Qin et al. 2022), exported as the authors of the anime segmentation do.

Stages 1 to 6 and their mirror images are residual U-blocks (Qin et al. 2020): U-nets of 7, 6, 5 and 4 levels inside,
the innermost convolution dilated; the last stages keep their size and dilate by 1, 2, 4, 8 instead. Six logits come
from the decoder's stages, each enlarged to the input's size; the sigmoid of the finest is the matte. At its full
widths, 32 times these, it has 44,046,790 parameters: 176 MB, as the published file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 1024


def step(into: int, out: int, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(into, out, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(out), nn.ReLU())


def halved(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def like(x: Tensor, other: Tensor) -> Tensor:
    return functional.interpolate(x, size=other.shape[2:], mode="bilinear", align_corners=False)


class UBlock(nn.Module):
    """Residual U-block: `dilations` of its levels, outermost first; flat ones do not change the size."""

    def __init__(self, into: int, middle: int, out: int, dilations: Sequence[int], flat: bool = False) -> None:
        super().__init__()
        self.flat = flat
        self.enter = step(into, out)
        first = [out] + [middle] * (len(dilations) - 1)
        self.down = nn.ModuleList(step(one, middle, dilation) for one, dilation in zip(first, dilations, strict=True))
        self.up = nn.ModuleList(step(2 * middle, out if level == 0 else middle, dilation)
                                for level, dilation in enumerate(dilations[:-1]))

    def forward(self, x: Tensor) -> Tensor:
        entered = self.enter(x)
        return entered + self.level(entered, 0)

    def level(self, x: Tensor, at: int) -> Tensor:
        here = self.down[at](x)
        if at == len(self.up):
            return here
        # the innermost two levels have one size
        below = self.level(here if self.flat or at == len(self.up) - 1 else halved(here), at + 1)
        return self.up[at](torch.cat([like(below, here), here], 1))


def block(levels: int, into: int, middle: int, out: int) -> UBlock:
    return UBlock(into, middle, out, [1] * (levels - 1) + [2])


class ISNet(nn.Module):
    """Widths are those of the real network, 64 to 512, over 32."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 2, 3, stride=2, padding=1)

        def flat(into: int) -> UBlock:
            return UBlock(into, 8, 16, [1, 2, 4, 8], flat=True)

        self.encoder = nn.ModuleList([block(7, 2, 1, 2), block(6, 2, 1, 4), block(5, 4, 2, 8), block(4, 8, 4, 16),
                                      flat(16), flat(16)])
        self.decoder = nn.ModuleList([block(7, 4, 1, 2), block(6, 8, 1, 2), block(5, 16, 2, 4), block(4, 32, 4, 8),
                                      flat(32)])
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in (2, 2, 4, 8, 16, 16))

    def logits(self, x: Tensor) -> list[Tensor]:
        """Six maps of the input's size, finest first."""
        seen = [self.encoder[0](self.enter(x))]
        for stage in list(self.encoder)[1:]:
            seen.append(stage(halved(seen[-1])))
        made = [seen[-1]]
        for stage, beside in zip(reversed(list(self.decoder)), reversed(seen[:-1]), strict=True):
            made.insert(0, stage(torch.cat([like(made[0], beside), beside], 1)))
        return [like(side(one), x) for side, one in zip(self.sides, made, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x)[0].sigmoid()


def isnet() -> ISNet:
    """Random weights; its matte of noise spreads over 0..1."""
    torch.manual_seed(3)
    net = ISNet().eval()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    with torch.inference_mode():
        seen = net.logits(torch.rand(1, 3, 256, 256))[0]
        side = net.sides[0]
        side.weight.mul_(2 / seen.std())
        side.bias.sub_(seen.mean()).mul_(2 / seen.std())
    return net


def export(net: ISNet, path: Path, free: bool) -> Path:
    """As the original's export script does; `free` leaves height and width open, as some of its copies have them."""
    axes = {name: {2: "height", 3: "width"} for name in ("img", "mask")} if free else None
    torch.onnx.export(net, (torch.rand(1, 3, SIDE, SIDE),), str(path), input_names=["img"], output_names=["mask"],
                      opset_version=11, dynamic_axes=axes, dynamo=False)
    return path
