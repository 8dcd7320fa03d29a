import copy
import math

import numpy as np
import pytest
import torch

from kslm import published
from kslm.profile import Train
from kslm.train import checkpoints
from kslm.train.data import Windows, collate
from kslm.train.guards import Abort, Diverged, Guard, recipe_after
from kslm.train.optimizer import Muon, make_optimizer, orthogonalised


def test_windows_predict_each_token_but_the_first_once():
    windows = Windows(np.arange(41, dtype=np.uint16), 10)
    batch = collate([windows[i] for i in range(len(windows))])["input_ids"]
    assert batch.shape == (4, 11) and batch.dtype == torch.int64
    assert batch[:, 1:].flatten().tolist() == list(range(1, 41))


def test_guard_names_what_went_wrong():
    guard = Guard(abort_grad_norm=100, patience_steps=10, start_step=5)
    guard.gradient(99.0, 1)
    for norm, reason in ((math.nan, "not_finite"), (math.inf, "not_finite"), (101.0, "grad_norm")):
        with pytest.raises(Diverged) as caught:
            guard.gradient(norm, 7)
        assert (caught.value.reason, caught.value.step) == (reason, 7)
    guard.loss(3.0, 6)
    guard.loss(3.1, 15)
    with pytest.raises(Diverged, match="no loss below 3 since step 6"):
        guard.loss(3.0, 16)


def test_recipe_is_lowered_for_divergence_and_split_for_memory():
    train = Train(max_steps=10, micro_batch_size=2, grad_accum_steps=1, learning_rate=0.01)
    memory, nan = Abort("out_of_memory", 1, "", 0), Abort("not_finite", 1, "", 0)
    assert recipe_after(train, [nan, nan]).learning_rate == 0.0025
    split = recipe_after(train, [memory, memory])
    assert (split.micro_batch_size, split.grad_accum_steps, split.gradient_checkpointing) == (1, 2, True)


def test_checkpoint_counts_only_while_it_equals_its_seal(tmp_path):
    for step in (5, 10, 15):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        published.seal(folder)
    (tmp_path / "checkpoint-15" / "model.safetensors").write_bytes(b"weightz")
    assert checkpoints.latest_whole(tmp_path).name == "checkpoint-10"
    checkpoints.discard_broken(tmp_path)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-5", "checkpoint-10"]
    checkpoints.rotate(tmp_path, 1, None)
    assert [path.name for path in checkpoints.listed(tmp_path)] == ["checkpoint-10"]


@pytest.mark.parametrize("shape", [(3, 8, 20), (2, 20, 8)])
def test_orthogonalised_brings_singular_values_near_one(shape):
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
    assert values.min() > 0.6 and values.max() < 1.3


def test_muon_moves_along_the_orthogonalised_direction_and_decays():
    torch.manual_seed(0)
    weight, grad = torch.randn(16, 32), torch.randn(16, 32)
    parameter = torch.nn.Parameter(weight.clone())
    optimizer = Muon([parameter], 0.01, weight_decay=0.1)
    parameter.grad = grad.clone()
    optimizer.step()
    u, _, v = torch.linalg.svd(grad, full_matrices=False)
    moved = weight * (1 - 0.001) - parameter.detach()
    scale = 0.01 * 0.2 * math.sqrt(32)
    assert torch.linalg.svdvals(moved / scale).min() > 0.6 and torch.linalg.svdvals(moved / scale).max() < 1.3
    assert torch.nn.functional.cosine_similarity(moved.flatten(), (u @ v).flatten(), dim=0) > 0.97


def test_combined_optimizer_goes_on_exactly_from_its_state():
    from kslm.model import build

    train = Train(max_steps=10)

    def make(model):
        return make_optimizer(model, train, learning_rate=0.01, embedding_learning_rate=0.003, bf16=False)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(input_ids=torch.arange(3, 35)[None]).logits.square().mean().backward()
        optimizer.step()

    first = build("quick", 512, 64)
    optimizer = make(first)
    assert [g["lr"] for g in optimizer.param_groups] == [0.01, 0.003, 0.003]
    step(first, optimizer)
    second = build("quick", 512, 64, seed=9)
    second.load_state_dict(first.state_dict())
    restored = make(second)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for model, which in ((first, optimizer), (second, restored)):
        for group in which.param_groups:
            group["lr"] *= 0.5
        step(model, which)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
