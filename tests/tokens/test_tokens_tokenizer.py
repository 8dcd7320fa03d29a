"""Tokenizer and encoder: determinism, exact round trips, no injection, fallback."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.errors import DataError
from kslm.tokens import EOT_ID, PAD_ID, SPECIAL_TOKENS, UNK_ID, Encoder, encoder, train_tokenizer
from kslm.tokens.encoder import PROBES
from kslm.tokens.tokenizer import huggingface_config, token_bytes, vocabulary, without_special_tokens

TEXTS = [
    f"static int e1000_probe_{n}(struct pci_dev *pdev)\n{{\n\treturn pci_enable_device(pdev); /* device {n} */\n}}\n"
    for n in range(60)
] + [
    "The Intel I210 driver is igb. Its option is CONFIG_IGB.\n" * 5,
    "kernel: usb 1-1: new high-speed USB device\n" * 9,
]


@pytest.fixture(scope="module")
def tokenizer_json():
    return train_tokenizer(TEXTS, 600, 2)


@pytest.fixture(scope="module")
def tokenizer_path(tokenizer_json, tmp_path_factory):
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    path.write_text(tokenizer_json, "utf-8")
    return path


@pytest.fixture(scope="module")
def encode(tokenizer_json):
    return Encoder(tokenizer_json, TEXTS)


def test_training_is_the_same_in_any_order_and_thread_count(tokenizer_json):
    assert train_tokenizer(reversed(TEXTS), 600, 2) == tokenizer_json
    code = "import json,sys;from kslm.tokens import train_tokenizer;print(train_tokenizer(json.load(sys.stdin),600,2))"
    alone = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    )
    assert alone.stdout.rstrip("\n") == tokenizer_json


def test_special_tokens_come_first_and_every_byte_has_a_token(tokenizer_json):
    vocab = vocabulary(tokenizer_json)
    assert [vocab[token] for token in SPECIAL_TOKENS] == [EOT_ID, PAD_ID, UNK_ID] == [0, 1, 2]
    assert list(vocab.values()) == list(range(len(vocab)))
    spelled = token_bytes(tokenizer_json)
    assert {token for token in spelled if len(token) == 1} == {bytes([byte]) for byte in range(256)}
    assert spelled[:3] == [b"", b"", b""]


def test_min_frequency_bounds_the_merges():
    assert len(vocabulary(train_tokenizer(["abc xyz"], 600, 2))) == 259
    assert len(vocabulary(train_tokenizer(["abc xyz"], 600, 1))) > 259


def test_the_folder_loads_in_transformers_and_agrees(tokenizer_json, tmp_path, encode):
    from transformers import AutoTokenizer

    (tmp_path / "tokenizer.json").write_text(tokenizer_json, "utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(huggingface_config()))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert (loaded.eos_token_id, loaded.pad_token_id, loaded.unk_token_id) == (0, 1, 2)
    for text in [*PROBES, *TEXTS]:
        ids = loaded(text)["input_ids"]
        assert ids == encode.encode([text]).ids.tolist()
        assert loaded.decode(ids) == text


def test_a_document_cannot_spell_a_special_token(encode):
    for text in ("<|endoftext|>", "a<|endoftext|>b", "<|pad|><|unk|>", " <|endoftext|>\n"):
        assert encode.encode([text]).ids.min() > UNK_ID


@given(st.text(max_size=200))
def test_any_text_round_trips(encode, tokenizer_json, text):
    spelled = token_bytes(tokenizer_json)
    assert b"".join(spelled[index] for index in encode.encode([text]).ids) == text.encode()


def test_gigatoken_is_used_and_returns_uint32(encode):
    assert (encode.engine, encode.note) == ("gigatoken", "")
    assert encode.encode(["x"]).ids.dtype == np.uint32


@pytest.mark.parametrize("texts", [[], [""], ["", "a", ""], ["ab", "", "cd"]])
def test_texts_keep_apart_however_short(encode, texts):
    encoded = encode.encode(texts)
    assert [ids.tolist() for ids in encoded.each()] == [encode.encode([text]).ids.tolist() for text in texts]
    assert encoded.lengths.sum() == len(encoded.ids)


def _refuses(tokenizer_json):
    raise RuntimeError("unknown split pattern")


def _off_by_one(tokenizer_json):
    def encode(texts):
        lengths = np.array([len(text) for text in texts], np.int64)
        return encoder.Encoded(np.arange(lengths.sum(), dtype=np.uint32), lengths)

    return encode


@pytest.mark.parametrize(("fault", "said"), [(_refuses, "unknown split pattern"), (_off_by_one, "differs")])
def test_tiktoken_takes_over_and_the_note_says_why(monkeypatch, tokenizer_json, encode, fault, said):
    monkeypatch.setattr(encoder, "_gigatoken", fault)
    other = Encoder(tokenizer_json, TEXTS)
    assert other.engine == "tiktoken"
    assert said in other.note
    texts = [*PROBES, *TEXTS]
    assert other.encode(texts).ids.tolist() == encode.encode(texts).ids.tolist()
    assert other.encode(texts).lengths.tolist() == encode.encode(texts).lengths.tolist()


def test_no_engine_that_agrees_is_an_error(monkeypatch, tokenizer_json):
    monkeypatch.setattr(encoder, "_gigatoken", _refuses)
    monkeypatch.setattr(encoder, "_tiktoken", _off_by_one)
    with pytest.raises(DataError, match="no encoder agrees"):
        Encoder(tokenizer_json)


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_an_unreadable_tokenizer_is_an_error(content):
    with pytest.raises(DataError, match="cannot read the tokenizer"):
        Encoder(content)


def test_special_tokens_are_taken_out_and_ids_stay(tokenizer_json):
    bare = json.loads(without_special_tokens(tokenizer_json))
    assert bare["added_tokens"] == []
    assert min(bare["model"]["vocab"].values()) == 3
