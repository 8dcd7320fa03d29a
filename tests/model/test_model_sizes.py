import pytest
import torch

from kslm.errors import KslmError
from kslm.model import SIZES, config_for, initialise, parameter_count, sample


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ("quick", 2_361_024),
        ("tiny", 10_390_784),
        ("small", 46_801_408),
        ("medium", 151_800_576),
        ("large", 493_405_184),
    ],
)
def test_parameter_counts_are_exact_and_near_nominal(size, count):
    assert parameter_count(config_for(size)) == count
    assert abs(count / SIZES[size].nominal - 1) < 0.10


def test_architecture_is_the_one_asked_for():
    config = config_for("tiny", vocab_size=1000, context_length=128)
    assert (config.head_dim, config.num_key_value_heads, config.sliding_window) == (64, 2, None)
    assert (config.vocab_size, config.max_position_embeddings, config.tie_word_embeddings) == (1000, 128, True)
    assert config.rope_parameters["rope_theta"] == 10_000
    assert not any("bias" in name for name in initialise(config_for("quick", 512, 64), seed=0).state_dict())


def test_equal_seeds_give_equal_weights_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, same, other = (initialise(config_for("quick", 512, 64), seed=s).state_dict() for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[k], same[k]) for k in first)
    assert not torch.equal(first["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_a_saved_model_reloads_with_the_same_logits(tmp_path):
    from transformers import AutoModelForCausalLM

    model = initialise(config_for("quick", 512, 64), seed=0).eval()
    model.save_pretrained(tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    ids = torch.arange(40)[None]
    with torch.inference_mode():
        assert torch.equal(model(ids).logits, again(ids).logits)


def test_unknown_size_names_the_known_ones():
    with pytest.raises(KslmError, match="quick, tiny"):
        config_for("huge")


def test_sampling_depends_on_its_seed_only():
    model = initialise(config_for("quick", 512, 64), seed=0)
    prompts = torch.arange(10).reshape(2, 5) + 3
    state = torch.random.get_rng_state()
    first = sample(model, prompts, 20, seed=1)
    torch.manual_seed(99)
    assert sample(model, prompts, 20, seed=1) == first != sample(model, prompts, 20, seed=2)
    assert len(first) == 2 and all(len(ids) <= 20 and 0 not in ids for ids in first)
    torch.random.set_rng_state(state)
    sample(model, prompts, 4, seed=3)
    assert torch.equal(state, torch.random.get_rng_state()) and model.training
