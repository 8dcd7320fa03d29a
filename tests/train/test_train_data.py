import numpy as np
import pytest
import torch

from kslm.errors import DataError
from kslm.profile import Mix
from kslm.tokens.layout import INDEX
from kslm.tokens.reader import TokenSplit
from kslm.tokens.sampler import Sampler
from kslm.train.data import PLACE, Sequences, Stored, Windows, collate

LENGTH, STEP = 10, 4


def test_windows_predict_each_token_but_the_first_once():
    windows = Windows(np.arange(41, dtype=np.uint16), 10)
    batch = collate([windows[i] for i in range(len(windows))])["input_ids"]
    assert batch.shape == (4, 11) and batch.dtype == torch.int64
    assert batch[:, 1:].flatten().tolist() == list(range(1, 41))


@pytest.fixture
def split():
    """60 documents of 3 to 60 tokens: os has twice the tokens of hardware."""
    random = np.random.default_rng(2)
    index = np.zeros(60, INDEX)
    lengths = random.integers(3, 60, 60)
    index["end"], index["hash"] = np.cumsum(lengths), random.integers(0, 1 << 63, 60, np.uint64)
    index["slice"] = np.arange(60) % 3 == 0
    tokens = np.arange(lengths.sum(), dtype=np.uint16)
    return TokenSplit("train", (tokens[:500], tokens[500:]), index, ("os", "hardware"), ("text",))


def sequences(split, steps=60, shards="a", seed=5):
    epochs = Sampler(split, Mix(shares={"os": 0.5, "hardware": 0.5}, max_repeats=1), seed)
    return epochs, Sequences(epochs, LENGTH, STEP, steps, seed=seed, shards=shards)


def test_a_run_reads_whole_steps_of_each_epoch_in_turn_each_window_once(split):
    epochs, read = sequences(split)
    assert len(read) == 240
    first = 0
    for epoch in range(3):
        windows = (epochs.tokens(epoch) - 1) // LENGTH
        stream = epochs.stream(epoch)
        count = windows // STEP * STEP
        expected = [tuple(stream[at * LENGTH : (at + 1) * LENGTH + 1].tolist()) for at in range(windows)]
        got = [tuple(read[first + at].tolist()) for at in range(count)]
        assert len({*got}) == count and {*got} <= {*expected}
        assert got != expected[:count], "neighbours of one document are not neighbours in a batch"
        assert read.passes(first) == epoch
        first += count
    assert read.passes(first // 3 // 2) == pytest.approx(0.5, abs=0.1)


def test_what_a_sequence_holds_follows_from_its_number_alone(split):
    _, read = sequences(split)
    backwards = {number: sequences(split)[1][number].tolist() for number in (239, 3, 120)}
    assert backwards == {number: read[number].tolist() for number in (3, 120, 239)}
    assert sequences(split, seed=6)[1][0].tolist() != read[0].tolist()


def test_stored_text_is_read_whole_in_every_epoch(split):
    read = Sequences(Stored(split), LENGTH, 1, 400, seed=5, shards="a")
    count = (split.tokens - 1) // LENGTH
    for first in (0, count):
        assert sorted(int(read[first + at][0]) for at in range(count)) == list(range(0, count * LENGTH, LENGTH))
    assert read[0].tolist() != read[count].tolist()


def test_a_place_names_document_and_offset_and_other_shards_are_refused(split, tmp_path):
    _, read = sequences(split)
    place = read.place(17 * STEP)
    document = int(np.flatnonzero(split.index["hash"] == int(place.document, 16))[0])
    assert split.document(document)[place.offset] == read[17 * STEP][0]
    (tmp_path / PLACE).write_text(place.model_dump_json())
    read.check(tmp_path, 17)
    with pytest.raises(DataError, match=r"epoch \d of the shards a\nCause: the shards at hand are b"):
        sequences(split, shards="b")[1].check(tmp_path, 17)
    with pytest.raises(DataError, match="another place"):
        sequences(split, seed=6)[1].check(tmp_path, 17)
    with pytest.raises(DataError, match="another place"):
        read.check(tmp_path, 16)
    (tmp_path / PLACE).write_text("{}")
    with pytest.raises(DataError, match="does not tell"):
        read.check(tmp_path, 17)


def test_an_epoch_that_fills_no_step_is_refused(split):
    with pytest.raises(DataError, match="in epoch 0 are fewer than one step's 4096"):
        Sequences(Stored(split), LENGTH, 4096, 1, seed=0, shards="a")
