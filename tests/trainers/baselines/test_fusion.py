from typing import Any

import pytest

pytest.importorskip("diffusers")

import torch
from diffusers import UNet2DConditionModel

from trainers import tiny, vocabulary
from trainers.baselines.fusion import Fusion, Noted, Noting, anchored, astray, listen

SHARES = torch.tensor([0.1, 0.3, 0.2, 0.4])


def test_the_place_is_that_of_the_last_token_before_the_mark() -> None:
    tokenizer = vocabulary.tokenizer()
    long = "red " * 80
    texts, places = anchored(tokenizer, ["a girl<|image|>, red hat", "<|image|>a girl", "a girl", "",
                                         f"a girl {long}<|image|>", f"a girl<|image|> {long}"])
    assert texts[0] == "a girl, red hat" and texts[1] == "a girl"
    # 0 begins the text, 1 is "a", 2 is "girl"
    assert places.tolist() == [2, 0, 0, 0, 0, 2]
    ids = tokenizer(texts[0]).input_ids
    assert ids[2] == tokenizer("girl", add_special_tokens=False).input_ids[0]


def test_one_token_becomes_that_of_word_and_picture() -> None:
    torch.manual_seed(0)
    fusion, words, seen = Fusion(8), torch.randn(3, 5, 8), torch.randn(3, 8)
    with torch.no_grad():
        told = fusion(words, torch.tensor([2, 0, 4]), seen)
        changed = [[not torch.equal(told[row, at], words[row, at]) for at in range(5)] for row in range(3)]
        assert changed == [[False, False, True, False, False], [False] * 5, [False] * 4 + [True]]
        # As the paper has it: both vectors go through a network, whose answer is added to the word's; the sum through
        # another, whose answer is added to it; then a norm.
        first, second = fusion.joined, fusion.refined
        word = words[2, 4]
        mixed = word + first[3](torch.nn.functional.gelu(first[1](first[0](torch.cat([word, seen[2]])))))
        mixed = mixed + second[3](torch.nn.functional.gelu(second[1](second[0](mixed))))
        assert torch.allclose(told[2, 4], fusion.norm(mixed), atol=1e-6)


@pytest.mark.parametrize("figure", [[1, 1, 0, 0], [0, 1, 0, 0]])
def test_what_strays_by_hand(figure: list[int]) -> None:
    """Two heads see the shares and nothing."""
    shares = torch.stack([SHARES, torch.zeros(4)])[None]
    picture = torch.tensor(figure, dtype=torch.float32).reshape(1, 1, 2, 2)
    inside = [share for share, one in zip(SHARES.tolist(), figure, strict=True) if one]
    outside = [share for share, one in zip(SHARES.tolist(), figure, strict=True) if not one]
    by_hand = (sum(outside) / len(outside) - sum(inside) / len(inside)) / 2
    found = astray(Noted(torch.tensor([3]), [shares]), picture.repeat_interleave(4, 2).repeat_interleave(4, 3))
    # The borders of the figure are blurred by the filter where it is made smaller.
    assert found.item() == pytest.approx(by_hand, abs=0.03)
    assert astray(Noted(torch.tensor([3]), [shares]), picture).item() == pytest.approx(by_hand, abs=1e-4)


def test_rows_without_a_figure_stray_nowhere_and_layers_are_averaged() -> None:
    picture = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 2, 2).expand(2, 1, 2, 2)
    one, two = (torch.stack([SHARES * scale] * 2)[:, None] for scale in (1, 2))  # of one, 0.3 outside less 0.2 inside
    assert astray(Noted(torch.tensor([3, 0]), [one]), picture).item() == pytest.approx(0.1 / 2, abs=1e-4)
    assert astray(Noted(torch.tensor([3, 3]), [one, two]), picture).item() == pytest.approx(0.15, abs=1e-4)


def unet() -> Any:
    made = tiny.drawn(UNet2DConditionModel(
        sample_size=8, layers_per_block=1, block_out_channels=(16, 16, 16), norm_num_groups=8, cross_attention_dim=8,
        attention_head_dim=2, down_block_types=["CrossAttnDownBlock2D"] * 2 + ["DownBlock2D"],
        up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 2), torch.Generator().manual_seed(0))
    return made.eval()


def test_attention_is_noted_on_all_levels_but_the_outermost_and_is_what_it_was() -> None:
    """As the authors' five of Stable Diffusion's seven levels."""
    model = unet()
    noisy, words, times = torch.randn(2, 4, 8, 8), torch.randn(2, 6, 8), torch.tensor([3, 700])
    with torch.no_grad():
        before = model(noisy, times, words).sample
        listen(model)
        noted = Noted(torch.tensor([1, 5]), [])
        after = model(noisy, times, words, cross_attention_kwargs={"noted": noted}).sample
        assert torch.equal(model(noisy, times, words).sample, before)
    names = [name.partition(".attentions")[0] for name, one in model.attn_processors.items() if isinstance(one, Noting)]
    assert sorted(set(names)) == ["down_blocks.1", "mid_block", "up_blocks.1"]
    assert torch.equal(after, before) and len(noted.shares) == len(names)
    # two heads; the second level is of 4 x 4 places, the middle of 2 x 2
    assert {tuple(one.shape) for one in noted.shares} == {(2, 2, 16), (2, 2, 4)}


def test_the_share_is_that_of_the_token() -> None:
    model = unet()
    listen(model)
    attention = model.mid_block.attentions[0].transformer_blocks[0].attn2
    states, words = torch.randn(2, 4, 16), torch.randn(2, 6, 8)
    with torch.no_grad():
        by_token = []
        for place in range(6):
            noted = Noted(torch.tensor([place, place]), [])
            attention(states, encoder_hidden_states=words, noted=noted)
            by_token.append(noted.shares[0])
        whole = torch.stack(by_token, -1)
        values = attention.head_to_batch_dim(attention.to_v(words)).unflatten(0, (2, 2))
        made = attention.to_out[0]((whole @ values).permute(0, 2, 1, 3).flatten(2))
        assert torch.allclose(whole.sum(-1), torch.ones(2, 2, 4), atol=1e-5)
        assert torch.allclose(made, attention(states, encoder_hidden_states=words), atol=1e-5)
