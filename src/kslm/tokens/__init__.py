"""Tokenizer, encoder, shards and their manifest: everything between text and arrays of token ids.

This room knows neither Spark nor MLflow nor torch: numpy, and the tokenizer libraries, loaded when they are needed.
What only reads shards imports `reader` and `manifest`, so that it does not go stale with the encoder.
"""

from kslm.tokens.encoder import Encoded, Encoder
from kslm.tokens.manifest import Counts, Lineage, Manifest, MixRecord, SliceCounts, SplitRecord
from kslm.tokens.reader import ShardReader, TokenSplit
from kslm.tokens.tokenizer import EOT_ID, PAD_ID, SPECIAL_TOKENS, UNK_ID, train_tokenizer
from kslm.tokens.writer import SPLITS, ShardWriter

__all__ = [
    "EOT_ID",
    "PAD_ID",
    "SPECIAL_TOKENS",
    "SPLITS",
    "UNK_ID",
    "Counts",
    "Encoded",
    "Encoder",
    "Lineage",
    "Manifest",
    "MixRecord",
    "ShardReader",
    "ShardWriter",
    "SliceCounts",
    "SplitRecord",
    "TokenSplit",
    "train_tokenizer",
]
