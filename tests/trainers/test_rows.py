"""New words and trained rows: only they change, diffusers reads them, and bad names are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("transformers")

from diffusers import StableDiffusionPipeline  # noqa: E402
from torch import nn  # noqa: E402

from schemas.errors import UsageError  # noqa: E402
from trainers import rows  # noqa: E402
from trainers.bases import Base, open_base  # noqa: E402


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("bases")


def tables(base: Base) -> list[torch.Tensor]:
    return [encoder.get_input_embeddings().weight.detach().clone() for encoder in base.text_encoders]


def row_of(base: Base, word: str, at: int = 0) -> torch.Tensor:
    (token,) = base.tokenizers[at](word, add_special_tokens=False).input_ids
    return base.text_encoders[at].get_input_embeddings().weight[token].detach().clone()


def test_looking_up_gives_rows_where_they_stand_and_the_table_elsewhere() -> None:
    table = nn.Embedding.from_pretrained(torch.arange(12.0).reshape(6, 2))
    made = rows.TrainedRows(table, [4, 1])
    assert made.rows.tolist() == [[8, 9], [2, 3]]
    with torch.no_grad():
        made.rows.copy_(torch.tensor([[-1.0, -2.0], [-3.0, -4.0]]))
    given = torch.tensor([[0, 1, 4], [4, 5, 4]])
    assert made(given).tolist() == [[[0, 1], [-3, -4], [-1, -2]], [[-1, -2], [10, 11], [-1, -2]]]
    whole = [[0, 1], [-3, -4], [4, 5], [6, 7], [-1, -2], [10, 11]]
    assert made.weight.tolist() == whole == made.settled().weight.tolist()
    assert isinstance(made.settled(), nn.Embedding) and table.weight[4].tolist() == [8, 9]
    assert (made.num_embeddings, made.embedding_dim) == (6, 2)


def test_gradients_are_those_of_the_places() -> None:
    made = rows.TrainedRows(nn.Embedding(6, 2), [4, 1])
    (made(torch.tensor([[0, 4, 4, 2]])) * torch.tensor([[5.0], [1.0], [2.0], [7.0]])).sum().backward()
    assert made.rows.grad is not None and made.rows.grad.tolist() == [[3, 3], [0, 0]]  # 1 + 2 of id 4, none of id 1
    assert [name for name, one in made.named_parameters() if one.requires_grad] == ["rows"]
    made.rows.grad = None
    made.weight.sum().backward()
    assert made.rows.grad.tolist() == [[1, 1], [1, 1]]


def test_a_frozen_table_in_half_precision_keeps_rows_in_full() -> None:
    made = rows.TrainedRows(nn.Embedding(6, 2).to(torch.bfloat16), [3])
    assert made.rows.dtype == torch.float32
    assert made(torch.tensor([[3, 1]])).dtype == made.weight.dtype == torch.bfloat16


@pytest.mark.parametrize("kind", ["tiny", "tiny-sdxl"])
def test_only_the_new_rows_train_and_diffusers_finds_them(kind: str, place: Path, tmp_path: Path) -> None:
    base = open_base(kind, place)
    before = tables(base)
    token = rows.add_tokens(base, "<it>", vectors=3, initial="backpack")
    assert token.names == ["<it>", "<it>_1", "<it>_2"]
    assert [len(its) for its in token.ids] == [3] * len(base.tokenizers)
    made = rows.train_rows(base, token.ids)
    trained = [one for module in base.modules.values() for one in module.parameters() if one.requires_grad]
    assert {id(one) for one in trained} == {id(one.rows) for one in made}
    words = base.encode(["a photo of <it> on a rock", "a photo of"])
    loss = words.embeds.square().sum() + (0 if words.pooled is None else words.pooled.square().sum())
    optimizer = torch.optim.AdamW(trained, lr=0.1, weight_decay=0.5)
    loss.backward()
    optimizer.step()
    after = tables(base)
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        assert torch.equal(new[:len(old)], old)  # bit for bit
        assert new.shape[0] == len(base.tokenizers[at]) == len(old) + 3
        assert all(bool((new[one] != row_of(base, "backpack", at)).any()) for one in token.ids[at])
    with rows.settled(base):
        base.pipeline.save_pretrained(tmp_path / "out")
    assert [encoder.get_input_embeddings() for encoder in base.text_encoders] == made
    plain = type(base.pipeline).from_pretrained(tmp_path / "out")
    found = plain.encode_prompt(["a photo of <it> on a rock"], device="cpu", num_images_per_prompt=1,
                                do_classifier_free_guidance=False)
    with torch.no_grad():
        mine = base.encode(["a photo of <it> on a rock"])
    assert torch.equal(found[0], mine.embeds)
    assert mine.pooled is None or torch.equal(found[2], mine.pooled)


def test_a_word_of_several_vectors_is_what_diffusers_loads(place: Path) -> None:
    """The same vectors by load_textual_inversion, from nothing of ours."""
    base, vectors = open_base("tiny", place), torch.tensor(np.random.default_rng(0).normal(size=(3, 32))).float()
    token = rows.add_tokens(base, "<it>", vectors=3, initial=[vectors])
    plain = StableDiffusionPipeline.from_pretrained(place / "tiny")
    plain.load_textual_inversion({"<it>": vectors})
    assert plain.tokenizer.convert_tokens_to_ids(token.names) == token.ids[0]
    found = plain.encode_prompt(["a <it> cat"], device="cpu", num_images_per_prompt=1,
                                do_classifier_free_guidance=False)[0]
    assert torch.equal(found, base.encode(["a <it> cat"]).embeds)


def test_known_words_train_in_place(place: Path) -> None:
    base = open_base("tiny-sdxl", place)
    ids = rows.one_token(base, "olis")
    assert ids == [base.tokenizers[0].get_vocab()["olis</w>"], base.tokenizers[1].get_vocab()["olis</w>"]]
    was = base.encode(["a photo of olis cat"])
    made = rows.train_rows(base, [[one] for one in ids])
    same = base.encode(["a photo of olis cat"])
    assert torch.equal(was.embeds, same.embeds) and torch.equal(was.pooled, same.pooled)
    assert [one.rows.shape for one in made] == [(1, 32), (1, 32)]


def test_how_vectors_begin(place: Path) -> None:
    def begun(vectors: int, initial: object, seed: int = 0) -> torch.Tensor:
        base = open_base("tiny", place)
        ids = rows.add_tokens(base, "<it>", vectors, initial, seed).ids[0]  # type: ignore[arg-type]
        return tables(base)[0][ids]

    base = open_base("tiny", place)
    red, cat = row_of(base, "red"), row_of(base, "cat")
    assert torch.equal(begun(2, "cat"), torch.stack([cat, cat]))
    assert torch.equal(begun(4, "red cat"), torch.stack([red, red, cat, cat]))
    assert torch.equal(begun(1, "red cat"), red[None])
    drawn = begun(200, None)
    whole = tables(base)[0]
    assert torch.equal(drawn, begun(200, None)) and not torch.equal(drawn, begun(200, None, seed=1))
    assert abs(float(drawn.std() / whole.std()) - 1) < 0.1 and len(drawn.unique(dim=0)) == 200


def test_words_of_several_concepts_are_told_apart(place: Path) -> None:
    base = open_base("tiny", place)
    first, second = rows.add_tokens(base, "<new1>", initial="cat"), rows.add_tokens(base, "<new2>", initial="dog")
    made = rows.train_rows(base, [first.ids[0] + second.ids[0]])
    assert torch.equal(made[0].rows, torch.stack([row_of(base, "cat"), row_of(base, "dog")]))
    assert len(set(first.ids[0] + second.ids[0])) == 2


@pytest.mark.parametrize(("token", "said"), [
    ("cat", "already a word"), ("a", "already a word"), ("<|endoftext|>", "already a word"),
    ("<It>", "small letters"), ("<my thing>", "without spaces"), ("", "no name of a new token"),
])
def test_names_that_cannot_be_new_words(token: str, said: str, place: Path) -> None:
    base = open_base("tiny-sdxl", place)
    before = [len(tokenizer) for tokenizer in base.tokenizers]
    with pytest.raises(UsageError) as told:
        rows.add_tokens(base, token)
    assert said in str(told.value) and "\n" not in str(told.value)
    assert [len(tokenizer) for tokenizer in base.tokenizers] == before


def test_a_name_is_new_once(place: Path) -> None:
    base = open_base("tiny", place)
    rows.add_tokens(base, "<it>", vectors=2)
    for name in ("<it>", "<it>_1"):
        with pytest.raises(UsageError, match="already a word"):
            rows.add_tokens(base, name)


def test_identifiers_that_split_are_told_with_others_that_do_not(place: Path) -> None:
    base = open_base("tiny-sdxl", place)
    with pytest.raises(UsageError, match=r"not one token .* but z \+ z \+ q") as told:
        rows.one_token(base, "zzq", "--identifier")
    assert "such as olis, sks, ohwx" in str(told.value) and "--identifier olis" in str(told.value)
    with pytest.raises(UsageError, match=r"not one token .* but nothing"):
        rows.one_token(base, " ")
    with pytest.raises(UsageError, match=r"red \+ cat"):
        rows.one_token(base, "red cat")
    with pytest.raises(UsageError, match="no words to begin"):
        rows.add_tokens(base, "<it>", initial=" ")
