"""One attempt at training: the Trainer, with this project's loss, guards, checkpoints and logging.

The Trainer brings what is hard to get right: the same samples after a resume, distributed data, the scheduler. It is
given a run's sequences in order; the loss is computed here, so that nothing is upcast or counted twice.

Resuming is exact on a CPU with the same number of threads: weights after a kill equal those of an undisturbed run to
the bit. The Trainer keeps optimizer, scheduler and generator states in files that torch reads with `weights_only=True`;
that admits tensors and plain values and runs no code. Its arguments, a pickle that nothing reads, are removed.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, SequentialSampler
from transformers import (
    MistralConfig,
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.utils import logging as transformers_logging

from kslm import ranks, scratch
from kslm.profile import Train
from kslm.report import Task
from kslm.tracking.run import Tracker
from kslm.train import checkpoints
from kslm.train.callbacks import TOKENIZER_FILES, Checkpoints, Meter, Samples
from kslm.train.data import Sequences, Windows, collate
from kslm.train.guards import Guard, Recipe
from kslm.train.optimizer import make_optimizer


@dataclass(frozen=True)
class Job:
    """What is trained, on what, and where it is kept; the same for every attempt.

    Attributes:
        folder: checkpoints/<run>/.
        scratch: where the Trainer writes checkpoints, which are published from there.
        tokenizer: folder whose tokenizer.json and tokenizer_config.json go beside each checkpoint's weights.
        sequences: what is read, in order.
        prompts: (prompts, length) ids that samples continue.
        bytes_per_token: of the validation text, for bits per byte.
    """

    train: Train
    model: MistralConfig
    seed: int
    bf16: bool
    folder: Path
    scratch: Path
    tokenizer: Path
    sequences: Sequences
    val_windows: Windows
    prompts: torch.Tensor
    bytes_per_token: float


def fit(
    job: Job, model: PreTrainedModel, recipe: Recipe, resume: Path | None, *, tracker: Tracker, task: Task
) -> list[dict[str, Any]]:
    """Train until max_steps.

    Args:
        model: freshly built; overwritten from `resume`, if given.
        resume: a whole checkpoint, on a disk.
        task: advanced by optimizer steps.

    Returns:
        The Trainer's log: a dict for each logged or evaluated step.

    Raises:
        Diverged: a guard gave the attempt up.
        DataError: `resume` was reading other shards, or another place of them.
    """
    start = checkpoints.step_of(resume) if resume else 0
    if resume:
        job.sequences.check(resume, start)
    guard = Guard(job.train.abort_grad_norm, job.train.patience_steps, start)
    optimizer = make_optimizer(model, job.train, recipe, bf16=job.bf16)
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    with _quiet():
        trainer = _Trainer(
            guard,
            job,
            model=model,
            args=_arguments(job, recipe),
            train_dataset=job.sequences,
            eval_dataset=job.val_windows,
            data_collator=collate,
            optimizers=(optimizer, None),
            callbacks=[
                _Schedule(rates),
                Meter(tracker, task, guard, job.sequences, job.bytes_per_token),
                Samples(tracker, job.prompts, job.tokenizer / "tokenizer.json", job.seed),
                Checkpoints(
                    job.folder,
                    job.scratch,
                    job.tokenizer,
                    job.sequences,
                    job.train.keep_checkpoints,
                    tracker,
                    job.bytes_per_token,
                ),
            ],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    return trainer.state.log_history


def publish(checkpoint: Path, target: Path, history: list[dict[str, Any]], workplace: Path) -> None:
    """Copy a checkpoint's model and tokenizer, without the training state, to `target`, and seal it with its step."""
    built = workplace / target.name
    built.mkdir()
    for name in ("config.json", "generation_config.json", "model.safetensors", *TOKENIZER_FILES):
        if (checkpoint / name).exists():
            shutil.copyfile(checkpoint / name, built / name)
    (built / "history.json").write_text(json.dumps(history), "utf-8")
    scratch.publish(built, target, {"step": checkpoints.step_of(checkpoint)})


class _Schedule(TrainerCallback):
    """Makes a resumed attempt use its own peak learning rates and intervals, not those of its checkpoint."""

    def __init__(self, rates: list[float]) -> None:
        self.rates = rates

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Set intervals, peaks and current rates; where nothing was changed these are the values already there."""
        state.compute_steps(args, state.max_steps)
        scheduler, optimizer = kwargs["lr_scheduler"], kwargs["optimizer"]
        scheduler = getattr(scheduler, "scheduler", scheduler)
        scheduler.base_lrs = list(self.rates)
        factor = scheduler.lr_lambdas[0](scheduler.last_epoch)
        for group, rate in zip(optimizer.param_groups, self.rates, strict=True):
            group["initial_lr"] = rate
            group["lr"] = rate * factor


class _Trainer(Trainer):
    def __init__(self, guard: Guard, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.guard = guard
        self.job = job
        # Each micro-batch has the same number of targets, so the mean of their means is the mean.
        self.model_accepts_loss_kwargs = False

    def compute_loss(self, model: nn.Module, inputs: dict[str, torch.Tensor], *_: Any, **__: Any) -> torch.Tensor:
        ids = inputs["input_ids"]
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self.job.bf16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        return functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        # The sequences are numbered as they are to be read: with any number of ranks each step has the same.
        return SequentialSampler(self.job.sequences)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        # Training drops an epoch's incomplete last batch; validation must not, and one flag governs both.
        self.args.dataloader_drop_last = False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = True

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, torch.Tensor], *_: Any, **__: Any
    ) -> tuple[torch.Tensor, None, None]:
        with torch.inference_mode():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> float:
        # Called once an optimizer step, with the norm before clipping, and before the optimizer uses the gradient.
        norm = float(super()._get_grad_norm(model, grad_norm))
        self.guard.gradient(norm, self.state.global_step)
        return norm


def _arguments(job: Job, recipe: Recipe) -> TrainingArguments:
    train = job.train
    on_cpu = not torch.cuda.is_available()
    micro_batch_size, grad_accum_steps = recipe.per_rank(ranks.world())
    return TrainingArguments(
        output_dir=str(job.scratch),
        max_steps=train.max_steps,
        per_device_train_batch_size=micro_batch_size,
        per_device_eval_batch_size=max(micro_batch_size, min(32, 8192 // train.sequence_length)),
        gradient_accumulation_steps=grad_accum_steps,
        activation_checkpointing=recipe.gradient_checkpointing,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": train.min_lr_rate},
        warmup_steps=min(train.warmup_steps, train.max_steps // 2),
        max_grad_norm=train.max_grad_norm,
        seed=job.seed,
        data_seed=job.seed,
        use_cpu=on_cpu,
        ddp_backend=torch.distributed.get_backend() if torch.distributed.is_initialized() else None,
        ddp_find_unused_parameters=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=not on_cpu,
        dataloader_drop_last=True,
        remove_unused_columns=False,
        logging_steps=train.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=train.eval_every,
        metric_for_best_model="loss",
        greater_is_better=False,
        save_strategy="steps",
        save_steps=train.save_every,
        save_total_limit=None,
        report_to=[],
        disable_tqdm=True,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """No chatter of the libraries': a live view may be on the terminal, and what matters is in the report."""
    before = transformers_logging.get_verbosity()
    level = logging.getLogger("accelerate").level
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)
        logging.getLogger("accelerate").setLevel(level)
