"""Hugging Face's Trainer, set up for a text classifier."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from pocketformer.errors import RecipeError
from pocketformer.processes import join, process_count, process_number, runs_on_cpu
from pocketformer.train.metrics import scores
from pocketformer.train.result import EpochScore, epoch_scores, stopped_early
from pocketformer.train.sampling import LengthGroupedBatches, TrainingBatches, training_loader

if TYPE_CHECKING:
    from transformers import EvalPrediction

    from pocketformer.checkpoint import TextClassifier
    from pocketformer.train.course import Course
    from pocketformer.train.settings import FinetuneSettings

__all__ = ["OnEpoch", "OnProgress", "build_trainer", "cpu_computes_bf16", "parameter_groups"]

OnProgress = Callable[[float, str], None]
OnEpoch = Callable[[EpochScore], None]

_LAYER = re.compile(r"\.layers?\.(\d+)\.")


def build_trainer(
    course: Course, folder: Path, on_progress: OnProgress | None = None, on_epoch: OnEpoch | None = None
) -> Trainer:
    """Return a Trainer that evaluates and saves every epoch under `folder` and prints nothing.

    Args:
        course: What is trained, in place, on what; its settings have no None among them.
        folder: For Trainer's checkpoints: the newest and the best one are kept.
        on_progress: Called with the fraction done, 0 to 1, and a short message.
        on_epoch: Called with the dev scores of every epoch; what it raises ends the training.

    Raises:
        RecipeError: A precision this machine does not have.
    """
    settings, classifier = course.settings, course.classifier
    arguments = _arguments(settings, folder)
    course.module.to(arguments.device)
    classifier.encoder.get_input_embeddings().requires_grad_(not settings.freeze_embeddings)
    if (pooler := getattr(classifier.encoder, "pooler", None)) is not None:
        pooler.requires_grad_(classifier.settings.pooling == "pooler")  # else nothing reads it
    if course.constraint is not None:
        course.constraint.attach(classifier)
    own = {id(parameter) for parameter in classifier.parameters()}
    others = [parameter for parameter in course.module.parameters() if id(parameter) not in own]
    optimizer = torch.optim.AdamW(
        parameter_groups(classifier, settings, others), fused=arguments.device.type != "mps"
    )

    trainer = _CourseTrainer(
        course,
        model=course.module,
        args=arguments,
        data_collator=course.collator,
        train_dataset=course.train,
        eval_dataset=course.dev,
        compute_metrics=partial(_dev_scores, course),
        callbacks=[_Schedule(course), _Watcher(settings, on_progress, on_epoch)],
        optimizers=(optimizer, None),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def parameter_groups(
    model: TextClassifier, settings: FinetuneSettings, others: Iterable[nn.Parameter] = ()
) -> list[dict[str, Any]]:
    """Return AdamW's groups: each layer and the head with its rate, matrices alone with weight decay.

    Biases and norms have one dimension (MobileBERT's NoNorm too), everything else has more.

    Args:
        model: The classifier; weights that are frozen are left out.
        settings: With both learning rates filled in.
        others: Weights outside the classifier; they learn as fast as the head.
    """
    encoder_rate, head_rate = settings.learning_rate, settings.head_learning_rate
    assert encoder_rate is not None
    assert head_rate is not None
    depth = model.encoder.config.num_hidden_layers
    rated = [
        (parameter, encoder_rate * _rate_factor(f".{name}", depth, settings))
        for name, parameter in model.encoder.named_parameters()
    ]
    rated += [(parameter, head_rate) for parameter in (*model.head.parameters(), *others)]
    groups = defaultdict(list)
    for parameter, rate in rated:
        if parameter.requires_grad:
            groups[rate, parameter.ndim > 1].append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": settings.weight_decay if decays else 0.0}
        for (rate, decays), parameters in groups.items()
    ]


def _rate_factor(name: str, depth: int, settings: FinetuneSettings) -> float:
    """Return what the encoder's rate is multiplied by for a weight of this name in an encoder this deep."""
    if layer := _LAYER.search(name):
        return settings.layer_decay ** (depth - 1 - int(layer[1]))
    if ".embeddings" in name:
        return settings.layer_decay**depth * settings.embedding_factor
    return 1.0


class _CourseTrainer(Trainer):  # type: ignore[misc]  # transformers has no types
    """A Trainer whose batches, loss and evaluation are the course's."""

    def __init__(self, course: Course, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._course = course

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches that are the same for any number of processes; Trainer's own depend on it."""
        train, count = self._course.train, process_count()
        sampler = LengthGroupedBatches(
            train.lengths, self._train_batch_size * count, self.args.seed, process_number(), count
        )
        batches = TrainingBatches(train, self.data_collator)
        return training_loader(batches, sampler, pin_memory=self.args.dataloader_pin_memory)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any) -> torch.Tensor:
        """Return the loss of a training batch: the objective's, and what the module adds to it."""
        given = dict(inputs)
        weight: torch.Tensor = given.pop("weight")
        labels, soft_labels = given.pop("labels"), given.pop("soft_labels", None)
        outputs = model(**given)
        loss = self._course.objective(outputs.logits, labels, soft_labels)
        if outputs.loss is not None:
            loss = loss + outputs.loss
        return weight * loss

    def evaluate(self, *arguments: Any, **named: Any) -> Any:
        """Return the dev scores; what constraints make of the weights is computed once."""
        with parametrize.cached():
            return super().evaluate(*arguments, **named)

    def prediction_step(
        self, model: nn.Module, inputs: dict[str, Any], *_: Any, **__: Any
    ) -> tuple[None, torch.Tensor, torch.Tensor]:
        """Return logits and labels of a dev batch, in the full precision that `predict_logits` has."""
        given = self._prepare_inputs(inputs)
        labels = given.pop("labels")
        with torch.no_grad():
            # The class's own forward: accelerate has put autocast around the instance's.
            logits = type(model).forward(model, **given).logits
        return None, logits, labels


def _dev_scores(course: Course, prediction: EvalPrediction) -> dict[str, float]:
    """Return loss, accuracy and macro-F1 of the dev texts, computed over all of them at once."""
    logits, labels = prediction.predictions, prediction.label_ids
    loss = course.objective(torch.from_numpy(logits), torch.from_numpy(labels))
    found = scores(logits, labels, course.classifier.multi_label)
    return {"loss": float(loss), "accuracy": found.accuracy, "macro_f1": found.macro_f1}


def _arguments(settings: FinetuneSettings, folder: Path) -> TrainingArguments:
    join()
    precision = _precision(settings.precision)
    arguments = TrainingArguments(
        output_dir=str(folder),
        use_cpu=runs_on_cpu(),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.eval_batch_size,
        train_sampling_strategy="group_by_length",  # of the dev texts; see get_train_dataloader
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        lr_scheduler_type=settings.schedule,
        warmup_steps=settings.warmup_ratio,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        torch_compile=settings.compile,
        seed=settings.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        metric_for_best_model="macro_f1",
        greater_is_better=True,
        save_total_limit=2,  # the best and the newest; with 1, Trainer deletes the newest at its end
        label_names=["labels"],
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,  # every weight takes part in every step
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        report_to="none",
    )
    # One GPU per process: nn.DataParallel would divide our batches. Reading n_gpu is what finds the devices.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _precision(asked: str) -> str:
    """Return fp32, bf16 or fp16 for this machine."""
    if not torch.cuda.is_available():
        if asked == "fp16":
            raise RecipeError(
                "The precision 'fp16' needs a GPU and this machine has none; choose 'auto', 'fp32' or 'bf16'."
            )
        if asked == "auto":
            return "bf16" if runs_on_cpu() and cpu_computes_bf16() else "fp32"
        return asked
    if asked == "auto":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return asked


def cpu_computes_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices itself; where it does not, bf16 is slower than fp32.

    AVX512_BF16 is it on x86-64: every CPU with AMX's bfloat16 has it too.
    """
    return torch.cpu._is_avx512_bf16_supported()


class _Schedule(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Tells a constraint before every step how much of the training is done."""

    def __init__(self, course: Course) -> None:
        self._constraint = course.constraint

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._constraint is not None:
            self._constraint.advance(state.global_step / state.max_steps)


class _Watcher(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Reports progress, and stops when the dev score has not risen for long enough."""

    def __init__(
        self, settings: FinetuneSettings, on_progress: OnProgress | None, on_epoch: OnEpoch | None
    ) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._on_epoch = on_epoch

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._report(state, f"epoch {math.ceil(state.epoch)} of {self._settings.epochs}")

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        finished = epoch_scores(state.log_history)
        last = finished[-1]
        self._report(
            state,
            f"epoch {last.epoch} of {self._settings.epochs}: dev accuracy {last.accuracy:.1%}, "
            f"macro-F1 {last.macro_f1:.3f}",
        )
        if self._on_epoch is not None:
            self._on_epoch(last)
        if stopped_early(finished, self._settings.patience):
            control.should_training_stop = True

    def _report(self, state: Any, message: str) -> None:
        if self._on_progress is not None:
            self._on_progress(state.global_step / state.max_steps, message)
