"""Tokenizer, encoder, shards and their manifest: everything between text and arrays of token ids.

This room knows neither Spark nor MLflow nor torch: numpy, and the tokenizer libraries, loaded when they are needed.
What only reads shards imports `reader` and `manifest`, so that it does not go stale with the encoder.
"""

from kslm.tokens.encoder import Encoded, Encoder
from kslm.tokens.layout import SPLITS, Layout
from kslm.tokens.manifest import Counts, Lineage, Manifest, PartRecord, SplitRecord
from kslm.tokens.reader import ShardReader, TokenSplit
from kslm.tokens.sampler import Sampler
from kslm.tokens.stream import Stream
from kslm.tokens.tokenizer import EOT_ID, PAD_ID, SPECIAL_TOKENS, UNK_ID, train_tokenizer
from kslm.tokens.writer import PartsWriter, publish

__all__ = [
    "EOT_ID",
    "PAD_ID",
    "SPECIAL_TOKENS",
    "SPLITS",
    "UNK_ID",
    "Counts",
    "Encoded",
    "Encoder",
    "Layout",
    "Lineage",
    "Manifest",
    "PartRecord",
    "PartsWriter",
    "Sampler",
    "ShardReader",
    "SplitRecord",
    "Stream",
    "TokenSplit",
    "publish",
    "train_tokenizer",
]
