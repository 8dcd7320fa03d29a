"""What happens at steps, evaluations and saves, beside training itself."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from kslm import ranks
from kslm.measures import bits_per_byte, perplexity
from kslm.model import sample
from kslm.published import write_atomically
from kslm.report import Task
from kslm.scratch import publish
from kslm.tracking.run import Tracker
from kslm.train import checkpoints
from kslm.train.data import PLACE, Sequences
from kslm.train.guards import Guard

SAMPLE_TOKENS = 48
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


@dataclass(eq=False)
class Meter(TrainerCallback):
    """Progress, training and validation metrics, and the guard on the loss.

    Attributes:
        sequences: of all ranks together.
        seconds, steps: of training, since the last log.
    """

    tracker: Tracker
    task: Task
    guard: Guard
    sequences: Sequences
    bytes_per_token: float
    seconds: float = field(default=0.0, init=False)
    steps: int = field(default=0, init=False)
    began: float = field(default=0.0, init=False)

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock; evaluations and saves between steps are not training time."""
        self.began = time.monotonic()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Count the step."""
        self.seconds += time.monotonic() - self.began
        self.steps += 1
        self.task.advance(1)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log the training metrics and judge the loss."""
        logs: dict[str, float] = kwargs["logs"]
        if "loss" not in logs:
            return
        step = state.global_step
        tokens_a_step = self.sequences.step * self.sequences.length
        values = {
            "train/loss": logs["loss"],
            "train/learning_rate": logs["learning_rate"],
            "train/grad_norm": logs["grad_norm"],
            "train/tokens_per_second": self.steps * tokens_a_step / max(self.seconds, 1e-9),
            "train/epoch": self.sequences.passes(step * self.sequences.step),
        }
        if torch.cuda.is_available():
            values["train/gpu_memory_gb"] = torch.cuda.max_memory_allocated() / 1e9
        self.seconds, self.steps = 0.0, 0
        state.log_history[-1]["tokens_per_second"] = values["train/tokens_per_second"]
        self.tracker.metrics(values, step)
        self.task.update(note=f"loss {logs['loss']:.3f}, {values['train/tokens_per_second']:,.0f} tokens/s")
        self.guard.loss(logs["loss"], step)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Log the validation metrics; a new best is worth a checkpoint."""
        loss = kwargs["metrics"]["eval_loss"]
        self.tracker.metrics(validation(loss, self.bytes_per_token), state.global_step)
        self.tracker.flush()
        if state.best_metric is None or loss < state.best_metric:
            control.should_save = True


@dataclass(eq=False)
class Samples(TrainerCallback):
    """Lets the model continue a few prompts at each evaluation, as a text artifact."""

    tracker: Tracker
    prompts: torch.Tensor
    tokenizer_json: Path
    seed: int

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write samples/step-<n>.txt."""
        if not state.is_world_process_zero or not len(self.prompts):
            return
        tokenizer = Tokenizer.from_file(str(self.tokenizer_json))
        continuations = sample(kwargs["model"], self.prompts, SAMPLE_TOKENS, seed=self.seed)
        parts = [
            f"{tokenizer.decode(prompt)} ⟶{tokenizer.decode(ids)}"
            for prompt, ids in zip(self.prompts.tolist(), continuations, strict=True)
        ]
        self.tracker.text("\n\n---\n\n".join(parts), f"samples/step-{state.global_step:06d}.txt")


@dataclass(eq=False)
class Checkpoints(TrainerCallback):
    """Completes, publishes, logs and rotates checkpoints.

    Attributes:
        folder: checkpoints/<run>/.
        scratch: the Trainer's folder.
        tokenizer: folder of its files.
    """

    folder: Path
    scratch: Path
    tokenizer: Path
    sequences: Sequences
    keep: int
    tracker: Tracker
    bytes_per_token: float

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Publish what lies in the Trainer's folder, once every rank has written its part; older ones go after that."""
        ranks.wait()
        if not state.is_world_process_zero:
            return
        written = checkpoints.folder_of(self.scratch, state.global_step)
        for name in TOKENIZER_FILES:
            shutil.copyfile(self.tokenizer / name, written / name)
        (written / "training_args.bin").unlink(missing_ok=True)
        (written / "training_args.json").write_text(args.to_json_string(), "utf-8")
        place = self.sequences.place(state.global_step * self.sequences.step)
        (written / PLACE).write_text(place.model_dump_json(), "utf-8")
        folder = checkpoints.folder_of(self.folder, state.global_step)
        publish(written, folder)
        best = checkpoints.best_step(state.log_history, self.folder)
        checkpoints.rotate(self.folder, self.keep, None if best is None else checkpoints.folder_of(self.folder, best))
        losses = {entry["step"]: entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry}
        if (loss := losses.get(state.global_step)) is not None:
            model_id = self.tracker.checkpoint(folder, state.global_step, validation(loss, self.bytes_per_token))
            models = logged_models(self.folder) | {str(state.global_step): model_id}
            write_atomically(self.folder / "models.json", json.dumps(models))
        self.tracker.flush()


def validation(loss: float, bytes_per_token: float) -> dict[str, float]:
    """The validation metrics of a loss in nats a token."""
    return {
        "val/loss": loss,
        "val/perplexity": perplexity(loss),
        "val/bits_per_byte": bits_per_byte(loss, bytes_per_token),
    }


def logged_models(folder: Path) -> dict[str, str]:
    """Which logged model holds a step's checkpoint, by step; empty where none was logged."""
    try:
        return dict(json.loads((folder / "models.json").read_text("utf-8")))
    except FileNotFoundError:
        return {}
