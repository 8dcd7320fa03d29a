"""Text to token ids, fast, and never wrong without saying so.

gigatoken encodes some sixty times as fast as the reference, HF `tokenizers`, but it is young: each encoder is therefore
compared with the reference on probes and on a sample of the run's own text before it is used. If it does not load or
differs, tiktoken takes its place, after the same comparison, and `note` says so. No encoder is given the special
tokens, so a document that spells one out cannot forge a document boundary.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kslm.errors import DataError
from kslm.tokens.tokenizer import CL100K_PATTERN, token_bytes, without_special_tokens


class Encoded(NamedTuple):
    """Token ids of several texts: `ids` (tokens,) uint32, end to end, and `lengths` (texts,) int64, tokens of each."""

    ids: NDArray[np.uint32]
    lengths: NDArray[np.int64]

    def each(self) -> Iterator[NDArray[np.uint32]]:
        """Each text's ids."""
        end = 0
        for length in self.lengths.tolist():
            end += length
            yield self.ids[end - length : end]


Encode = Callable[[Sequence[str]], Encoded]

PROBES = (
    "",
    "<|endoftext|> in a document, <|pad|> and <|unk|>",
    "#include <linux/pci.h>\n\nstatic int\t__init probe(void)\r\n{\n\treturn 0x8086;   \n}\n",
    "it's IT'S we'll '\u017f \u0130stanbul",
    "NUL \x00 bell \x07 nbsp \xa0 zwj \u200d bom \ufeff replacement \ufffd",
    "na\u00efve cafe\u0301 \u00fc\u00f1\u00ee \u4e2d\u6587 \u0627\u0644\u0639 \U0001f600\U0001f3fd \u0e01\u0e33",
    "12345678901 1.2.3-4 0000:00:1f.2 v6.12",
    "=" * 500 + " " * 300 + "\n" * 40 + "a" * 3000,
    "\r\n\r\n \t \u2028\u2029\u3000",
)


class Encoder:
    """Encodes text with one tokenizer.

    Args:
        tokenizer_json: text of a tokenizer.json.
        sample: texts of this run to compare with the reference, beside the built-in probes.

    Attributes:
        encode: texts to their token ids; all at once, because most texts are short and an engine may have threads.
        engine: "gigatoken" or "tiktoken".
        note: why the first choice was not used; empty otherwise.

    Raises:
        DataError: the tokenizer cannot be read, or no engine agrees with the reference.
    """

    def __init__(self, tokenizer_json: str, sample: Iterable[str] = ()) -> None:
        try:
            texts = [*PROBES, *sample]
            expected = _reference(tokenizer_json, texts)
        except Exception as error:
            raise DataError(
                "cannot read the tokenizer", cause=str(error), remedy="run the stage again: kslm tokenize --force"
            ) from error
        refused: list[str] = []
        for engine, load in (("gigatoken", _gigatoken), ("tiktoken", _tiktoken)):
            try:
                encode = load(tokenizer_json)
                wrong = _differences(encode, texts, expected)
            except Exception as error:
                refused.append(f"{engine} failed: {error}")
                continue
            if not wrong:
                self.engine = engine
                self.encode: Encode = encode
                self.note = f"encoding with {engine}: {'; '.join(refused)}" if refused else ""
                return
            refused.append(f"{engine} differs from the reference on {wrong} of {len(texts)} texts")
        raise DataError(
            "no encoder agrees with the reference",
            cause="; ".join(refused),
            remedy="install the pinned versions: pip install -r requirements.txt",
        )


def _differences(encode: Encode, texts: Sequence[str], expected: Sequence[list[int]]) -> int:
    return sum(encoded.tolist() != ids for encoded, ids in zip(encode(texts).each(), expected, strict=True))


def _reference(tokenizer_json: str, texts: list[str]) -> list[list[int]]:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.encode_special_tokens = True
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


def _gigatoken(tokenizer_json: str) -> Encode:
    import awkward
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json(without_special_tokens(tokenizer_json))

    def encode(texts: Sequence[str]) -> Encoded:
        if not texts:
            return Encoded(np.zeros(0, np.uint32), np.zeros(0, np.int64))
        nested = tokenizer.encode_batch(list(texts))
        ids, lengths = awkward.to_numpy(awkward.flatten(nested)), awkward.to_numpy(awkward.num(nested))
        return Encoded(ids.astype(np.uint32, copy=False), lengths.astype(np.int64, copy=False))

    return encode


def _tiktoken(tokenizer_json: str) -> Encode:
    """Ids double as merge ranks: the trainer numbers tokens in the order it merges them."""
    import tiktoken

    pieces = json.loads(tokenizer_json)["pre_tokenizer"]["pretokenizers"]
    if pieces[0]["pattern"]["Regex"] != CL100K_PATTERN:
        raise ValueError("the split pattern is not cl100k's")
    ranks = {token: index for index, token in enumerate(token_bytes(tokenizer_json)) if token}
    encoding = tiktoken.Encoding("kslm", pat_str=CL100K_PATTERN, mergeable_ranks=ranks, special_tokens={})

    def encode(texts: Sequence[str]) -> Encoded:
        encoded = [encoding.encode_to_numpy(text, disallowed_special=()) for text in texts]
        ids = np.concatenate([np.zeros(0, np.uint32), *encoded]).astype(np.uint32, copy=False)
        return Encoded(ids, np.array([len(text_ids) for text_ids in encoded], np.int64))

    return encode
