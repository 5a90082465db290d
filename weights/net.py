"""One small network with two heads: boxes of faces, and the matte of the figure.

Both heads share an encoder and a decoder, so one training pass pays for both and the matte teaches the encoder
where figures end. The two ONNX files are cut out of it: each holds only the layers its own output needs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
MAX_LOG_SIZE = 2.5
"""Bound of |log(distance / stride)|: e^2.5 = 12 strides, 390 px from an anchor at stride 32."""


class Conv(nn.Sequential):
    """Convolution, batch norm, ReLU (ReLU: cheaper than SiLU on a CPU, where this is trained and read)."""

    def __init__(self, inner: int, outer: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inner, outer, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(inplace=True),
        )


class Split(nn.Module):
    """Cross-stage block: half the channels pass `depth` residual 3x3 pairs, all meet again in a 1x1."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        half = width // 2
        self.enter = Conv(width, width, 1)
        self.steps = nn.ModuleList(nn.Sequential(Conv(half, half), Conv(half, half)) for _ in range(depth))
        self.leave = Conv(half * (2 + depth), width, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = list(self.enter(x).chunk(2, 1))
        for step in self.steps:
            parts.append(parts[-1] + step(parts[-1]))
        return self.leave(torch.cat(parts, 1))


class Pool(nn.Module):
    """Three chained max pools, concatenated: a wide view at the coarsest stride for little work."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = Conv(width, width // 2, 1)
        self.leave = Conv(width * 2, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.enter(x)]
        for _ in range(3):
            parts.append(F.max_pool2d(parts[-1], 5, 1, 2))
        return self.leave(torch.cat(parts, 1))


class Glance(nn.Module):
    """Residual attention of every place of a map to every other: a plain skirt looks like the paint of a wall until the
    whole picture is seen. A depthwise convolution over the padded map tells places apart.
    """

    def __init__(self, width: int, inner: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.place = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm1, self.norm2 = nn.GroupNorm(1, width), nn.GroupNorm(1, width)
        self.ask = nn.Conv2d(width, 3 * inner, 1)
        self.tell = nn.Conv2d(inner, width, 1)
        more, less = nn.Conv2d(width, 2 * inner, 1), nn.Conv2d(2 * inner, width, 1)
        self.think = nn.Sequential(more, nn.ReLU(inplace=True), less)
        for last in (self.tell, less):  # begins as the identity
            assert last.bias is not None
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        n, _, tall, wide = x.shape
        placed = self.norm1(x + self.place(x))
        query, key, value = (
            part.reshape(n, self.heads, -1, tall * wide).transpose(2, 3) for part in self.ask(placed).chunk(3, 1)
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        x = x + self.tell(seen.transpose(2, 3).reshape(n, -1, tall, wide))
        return x + self.think(self.norm2(x))


class Merge(nn.Module):
    """Decoder step: the coarse map, twice enlarged, meets the finer one of the encoder."""

    def __init__(self, coarse: int, fine: int, outer: int, depth: int) -> None:
        super().__init__()
        self.coarse = Conv(coarse, outer, 1)
        self.fine = Conv(fine, outer, 1)
        self.mix = Split(outer, depth) if depth else Conv(outer, outer)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        up = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="nearest")
        return self.mix(up + self.fine(fine))


class Likeness(nn.Module):
    """Input: float32 N x 3 x S x S, RGB 0..1, S a multiple of 32. See `boxes` and `matte` for the outputs."""

    def __init__(self, base: int = 16) -> None:
        super().__init__()
        c1, c2, c3, c4, c5 = base, base * 2, base * 4, base * 8, base * 12
        self.stem = Conv(3, c1, 3, 2)
        self.stage2 = nn.Sequential(Conv(c1, c2, 3, 2), Split(c2, 1))
        self.stage3 = nn.Sequential(Conv(c2, c3, 3, 2), Split(c3, 2))
        self.stage4 = nn.Sequential(Conv(c3, c4, 3, 2), Split(c4, 2))
        self.stage5 = nn.Sequential(Conv(c4, c5, 3, 2), Split(c5, 1), Pool(c5))
        self.context = nn.Sequential(Glance(c5, base * 8), Glance(c5, base * 8))
        self.up4 = Merge(c5, c4, c4, 1)
        self.up3 = Merge(c4, c3, c3, 1)
        self.up2 = Merge(c3, c2, c2, 1)
        self.up1 = Merge(c2, c1, c1, 0)
        self.to_matte = nn.Conv2d(c1, 4, 3, padding=1)
        self.heads = nn.ModuleList(nn.Sequential(Conv(c, c3), nn.Conv2d(c3, 5, 1)) for c in (c3, c4, c5))
        for head in self.heads:
            last = head[-1]
            assert isinstance(last, nn.Conv2d) and last.bias is not None
            nn.init.zeros_(last.weight)
            last.bias.data = torch.tensor([0.0, 0.0, 0.0, 0.0, -5.0])

    def _shared(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        s1 = self.stem(x)
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        s4 = self.stage4(s3)
        s5 = self.context(self.stage5(s4))
        p4 = self.up4(s5, s4)
        return s1, s2, self.up3(p4, s3), p4, s5

    def _raw_boxes(self, p3: Tensor, p4: Tensor, s5: Tensor) -> Tensor:
        raw = [head(level).flatten(2) for head, level in zip(self.heads, (p3, p4, s5), strict=True)]
        return torch.cat(raw, 2)

    def _raw_matte(self, s1: Tensor, s2: Tensor, p3: Tensor) -> Tensor:
        return F.pixel_shuffle(self.to_matte(self.up1(self.up2(p3, s2), s1)), 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """For training: raw boxes N x 5 x anchors (l, t, r, b as logs of strides; score logit), matte logits."""
        s1, s2, p3, p4, s5 = self._shared(x)
        return self._raw_boxes(p3, p4, s5), self._raw_matte(s1, s2, p3)

    def boxes(self, x: Tensor) -> Tensor:
        """YOLOv8 output layout: N x 5 x anchors of cx, cy, w, h in input pixels and the score 0..1; NMS outside."""
        _, _, p3, p4, s5 = self._shared(x)
        raw = self._raw_boxes(p3, p4, s5)
        x0, y0, x1, y1 = decode(raw[:, :4], x.shape[-1]).unbind(1)
        return torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, raw[:, 4].sigmoid()], 1)

    def matte(self, x: Tensor) -> Tensor:
        """N x 1 x S x S, 0 background .. 1 figure."""
        s1, s2, p3, _, _ = self._shared(x)
        return self._raw_matte(s1, s2, p3).sigmoid()


class Part(nn.Module):
    """One output of the network as a module of its own, for export."""

    def __init__(self, net: Likeness, output: str) -> None:
        super().__init__()
        self.net = net
        self.output = output

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.net.boxes(x) if self.output == "faces" else self.net.matte(x)
        return result


def anchors(size: int) -> tuple[Tensor, Tensor]:
    """Centres (2 x A, input pixels) and strides (A) of all anchors, in the order of the heads."""
    centres, strides = [], []
    for stride in STRIDES:
        line = (torch.arange(size // stride, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(line, line, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()]))
        strides.append(torch.full((line.numel() ** 2,), float(stride)))
    return torch.cat(centres, 1), torch.cat(strides)


def decode(raw: Tensor, size: int) -> Tensor:
    """N x 4 x A logs of distances in strides to N x 4 x A corners x0, y0, x1, y1 in input pixels."""
    centres, strides = anchors(size)
    reach = raw.clamp(-MAX_LOG_SIZE, MAX_LOG_SIZE).exp() * strides
    return torch.cat([centres - reach[:, :2], centres + reach[:, 2:]], 1)
