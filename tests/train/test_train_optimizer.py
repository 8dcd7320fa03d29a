import copy
import math

import pytest
import torch

from kslm.profile import Train
from kslm.train.guards import Recipe
from kslm.train.optimizer import Muon, make_optimizer, orthogonalised


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
    from kslm.model import config_for, initialise

    train = Train(max_steps=10, learning_rate=0.01, embedding_learning_rate=0.003)

    def make(model):
        return make_optimizer(model, train, Recipe.of(train), bf16=False)

    def step(model, optimizer):
        optimizer.zero_grad()
        model(input_ids=torch.arange(3, 35)[None]).logits.square().mean().backward()
        optimizer.step()

    config = config_for("quick", 512, 64)
    first = initialise(config, seed=0)
    optimizer = make(first)
    assert [g["lr"] for g in optimizer.param_groups] == [0.01, 0.003, 0.003]
    step(first, optimizer)
    second = initialise(config, seed=9)
    second.load_state_dict(first.state_dict())
    restored = make(second)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for model, which in ((first, optimizer), (second, restored)):
        for group in which.param_groups:
            group["lr"] *= 0.5
        step(model, which)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
