import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kslm.evaluate.baselines import Bigram, Unigram
from kslm.evaluate.score import figures, score
from kslm.measures import Held
from kslm.model import config_for, initialise


def test_bigram_against_hand_computation():
    # a b a b a c over {a, b, c, d}: bigrams ab 2, ba 2, ac 1; n1 = 1, n2 = 2, so D = 1 / (1 + 4).
    model = Bigram(np.array([0, 1, 0, 1, 0, 2], np.uint16), 4)
    assert model.discount == pytest.approx(0.2)
    continuation = np.array([2, 2, 2, 1]) / 7
    seen = math.exp(-model.score(np.array([0]), np.array([1]))[0])
    assert seen == pytest.approx((2 - 0.2) / 3 + 0.2 * 2 / 3 * continuation[1])
    unseen = math.exp(-model.score(np.array([0]), np.array([3]))[0])
    assert unseen == pytest.approx(0.2 * 2 / 3 * continuation[3])
    no_context = math.exp(-model.score(np.array([3]), np.array([0]))[0])
    assert no_context == pytest.approx(continuation[0])


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60))
def test_baselines_are_distributions(tokens):
    for model in (Bigram(np.array(tokens), 8), Unigram(np.array(tokens), 8)):
        for previous in range(8):
            total = np.exp(-model.score(np.full(8, previous), np.arange(8))).sum()
            assert total == pytest.approx(1.0)


def test_bits_per_byte_and_perplexity_against_hand_computation():
    held = Held(np.zeros(4), np.zeros(4), np.array([0, 0, 0, 1]), np.array([6.0, 2.0]), ("os", "hardware"))
    nats = np.array([1, 1, 1, 3]) * math.log(2)
    values = figures(nats, held)
    assert values["bits_per_byte"] == pytest.approx(6 / 8)
    assert values["bits_per_byte/os"] == pytest.approx(3 / 6)
    assert values["bits_per_byte/hardware"] == pytest.approx(3 / 2)
    assert values["perplexity"] == pytest.approx(2**1.5)
    assert values["perplexity/hardware"] == pytest.approx(8)


@pytest.mark.parametrize("count", [1, 5, 16, 17, 40, 203])
def test_a_uniform_model_has_the_vocabulary_as_perplexity(count):
    model = initialise(config_for("quick", 512, 64), seed=0).eval()
    torch.nn.init.zeros_(model.get_output_embeddings().weight)
    tokens = np.random.default_rng(0).integers(3, 512, count)
    told = []
    scores = score(model, tokens, 16, told.append)
    assert np.allclose(scores.nats, math.log(512), atol=1e-4) and sum(told) == count
    assert (scores.rank == 0).all()


def test_each_token_is_scored_once_with_the_tokens_before_it():
    model = initialise(config_for("quick", 512, 64), seed=0).eval()
    tokens = np.random.default_rng(1).integers(3, 512, 40)
    nats = score(model, tokens, 64).nats
    ids = torch.tensor([0, *tokens.tolist()])[None]
    with torch.inference_mode():
        whole = torch.log_softmax(model(ids).logits[0, :-1], -1)
    assert np.allclose(nats, -whole[torch.arange(40), ids[0, 1:]].numpy(), atol=1e-4)
    # In windows of 16 the first 16 tokens have the same context, later ones less.
    windowed = score(model, tokens, 16).nats
    assert np.allclose(windowed[:16], nats[:16], atol=1e-4) and not np.allclose(windowed[16:], nats[16:], atol=1e-4)
