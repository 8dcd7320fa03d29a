"""The two optimizers: Muon for the matrices with AdamW for the rest, and AdamW alone.

Muon (Jordan et al. 2024) orthogonalises the momentum of each hidden matrix; on this text it reached in one pass a
perplexity for which AdamW needed several times the tokens. It is defined for matrices only, so embeddings, the output
head and norms stay with AdamW.

torch has a Muon too, but its iteration is fixed to bfloat16, which a CPU without a matrix unit multiplies several times
more slowly than float32. The one here takes the type that is fast, and treats all matrices of one shape as one batch.

Limits: every rank of a distributed run repeats the iteration.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from kslm.profile import Train
from kslm.train.guards import Recipe


class Muon(Optimizer):
    """Momentum, orthogonalised, as the update of each matrix.

    The update is scaled by 0.2 sqrt(larger side), so that its root mean square, and with it a good learning rate, is
    like AdamW's (Liu et al. 2025, arXiv:2502.16982).

    Args:
        params: matrices (two dimensions each).
        lr: learning rate; `weight_decay` is decoupled and multiplied by it.
        bf16: iterate in bfloat16 instead of float32.
    """

    def __init__(
        self, params: Iterable[Tensor], lr: float, *, weight_decay: float, momentum: float = 0.95, bf16: bool = False
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = torch.bfloat16 if bf16 else torch.float32

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient; a closure is not supported."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape[parameter.shape].append(parameter)
            for shape, parameters in by_shape.items():
                directions = torch.stack([self._direction(parameter, group["momentum"]) for parameter in parameters])
                updates = orthogonalised(directions.to(self.dtype))
                rate = group["lr"] * 0.2 * math.sqrt(max(shape))
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-rate)

    def _direction(self, parameter: Tensor, momentum: float) -> Tensor:
        """Nesterov momentum of a parameter's gradient."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter.grad)
        buffer: Tensor = state["momentum_buffer"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(buffer, momentum)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Bring all singular values near 1 by five steps of Newton and Schulz's iteration.

    The quintic's coefficients are Jordan's: they converge to between about 0.7 and 1.2, fast rather than exactly.

    Args:
        matrices: (batch, rows, columns).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class MuonWithAdamW(Optimizer):
    """Both optimizers as one: schedulers see every parameter group, and one state dict holds both.

    The state dict holds tensors, numbers and strings only, so that it loads with `weights_only=True`.
    """

    def __init__(self, muon: Muon, adamw: AdamW) -> None:
        self.parts: dict[str, Optimizer] = {"muon": muon, "adamw": adamw}
        super().__init__([group for part in self.parts.values() for group in part.param_groups], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; a closure is not supported."""
        for part in self.parts.values():
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Both parts' states, by name."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore both parts. Their groups are new objects afterwards, so they are shared again."""
        for name, part in self.parts.items():
            part.load_state_dict(state_dict[name])
        self.param_groups = [group for part in self.parts.values() for group in part.param_groups]


def make_optimizer(model: nn.Module, train: Train, recipe: Recipe, *, bf16: bool) -> Optimizer:
    """The profile's optimizer over a model's parameters, at the recipe's peak rates; norms are not decayed.

    Args:
        bf16: whether the device multiplies bfloat16 faster than float32.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    hidden = [p for name, p in named if p.ndim == 2 and not _is_vocabulary(name)]
    vocabulary = [p for name, p in named if p.ndim == 2 and _is_vocabulary(name)]
    norms = [p for _, p in named if p.ndim != 2]
    alone = train.optimizer == "adamw"
    groups = [
        {"params": hidden + vocabulary if alone else vocabulary, "weight_decay": train.weight_decay},
        {"params": norms, "weight_decay": 0.0},
    ]
    rate = recipe.learning_rate if alone else recipe.embedding_learning_rate
    adamw = AdamW(groups, lr=rate, betas=train.betas, fused=True)
    if alone:
        return adamw
    return MuonWithAdamW(Muon(hidden, recipe.learning_rate, weight_decay=train.weight_decay, bf16=bf16), adamw)


def _is_vocabulary(name: str) -> bool:
    return "embed_tokens" in name or "lm_head" in name
