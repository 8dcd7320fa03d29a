import math

import pytest

from kslm.errors import KslmError
from kslm.profile import Train
from kslm.train.guards import Abort, Diverged, Guard, Recipe, recipe_after


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


@pytest.mark.parametrize(
    ("micro_batch_size", "grad_accum_steps", "world", "per_rank"),
    [(8, 4, 1, (8, 4)), (8, 4, 2, (8, 2)), (8, 1, 2, (4, 1)), (6, 4, 8, (3, 1)), (6, 2, 4, (3, 1))],
)
def test_the_ranks_share_the_sequences_of_one_step(micro_batch_size, grad_accum_steps, world, per_rank):
    recipe = Recipe.of(Train(max_steps=1, micro_batch_size=micro_batch_size, grad_accum_steps=grad_accum_steps))
    assert recipe.per_rank(world) == per_rank
    assert math.prod(per_rank) * world == micro_batch_size * grad_accum_steps


def test_sequences_that_do_not_divide_over_the_ranks_are_refused():
    with pytest.raises(KslmError, match="do not divide over 3 ranks"):
        Recipe.of(Train(max_steps=1, micro_batch_size=8, grad_accum_steps=2)).per_rank(3)
