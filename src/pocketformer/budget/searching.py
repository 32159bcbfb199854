"""The search: what each layer costs, the frontier, the best plan within the budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from pocketformer.budget.choice import choose
from pocketformer.budget.frontier import frontier, weight_bytes
from pocketformer.budget.judging import Cost, Judge
from pocketformer.budget.result import BudgetResult, LayerCost, Option
from pocketformer.budget.rounding import Roundings
from pocketformer.budget.sensitivity import Progress, sensitivity
from pocketformer.budget.settings import BudgetSettings
from pocketformer.budget.speed import Uniform, estimated_ms, uniform_files
from pocketformer.checkpoint import TextClassifier, load_classifier, load_tokenizer
from pocketformer.errors import RecipeError
from pocketformer.plan import Plan, PlannedLayer, WeightFormat, planned_layers
from pocketformer.program import Program, Shapes
from pocketformer.targets import Target, target_named

__all__ = ["search_plan"]

_MEGABYTE = 1e6


def search_plan(
    source: str,
    texts: Sequence[str],
    targets: npt.NDArray[Any] | None,
    settings: BudgetSettings,
    shapes: Shapes | None = None,
    on_progress: Progress | None = None,
) -> BudgetResult:
    """Find the plan that is best within a budget, without training anything.

    Args:
        source: A classifier's checkpoint.
        texts: Dev texts: not trained on, and not those the chosen file is proven with.
        targets: As in `LabeledTexts.targets`; without labels the model's own answers are what is kept.
        settings: The budget.
        shapes: Lengths of the file.
        on_progress: Called with the fraction done and a short message.

    Raises:
        BudgetError: No plan keeps all limits.
        CheckpointError: The checkpoint is no classifier, or cannot be used.
        RecipeError: A format there is not, or none that the target can store; no texts.
    """
    return _Search(source, texts, targets, settings, shapes or Shapes(), on_progress).run()


class _Search:
    def __init__(
        self,
        source: str,
        texts: Sequence[str],
        targets: npt.NDArray[Any] | None,
        settings: BudgetSettings,
        shapes: Shapes,
        on_progress: Progress | None,
    ) -> None:
        if not texts:
            raise RecipeError("A budget needs dev texts that say what is lost; none were given.")
        self._source, self._texts, self._targets = source, texts, targets
        self._settings, self._shapes, self._told = settings, shapes, on_progress
        self._target: Target = target_named(settings.target)
        self._model: TextClassifier = load_classifier(source).eval()
        self._base = Plan(
            name="budget",
            weights=WeightFormat.parse(settings.formats[0]),
            embedding=WeightFormat.parse(settings.formats[0]),
            activations="float" if settings.target == "coreml" else "int8",
        )
        self._roundings = Roundings(self._model, self._base)

    def run(self) -> BudgetResult:
        costs = self._costs()
        uniform = self._uniform(costs)
        judge = self._judge(len(self._texts))
        options = tuple(self._options(costs, uniform, judge))
        accuracy = judge.reference.accuracy
        return BudgetResult(
            settings=self._settings,
            chosen=choose(options, self._settings),
            options=options,
            costs=costs,
            fixed_bytes=uniform.fixed_bytes,
            dev_texts=len(self._texts),
            labelled=self._targets is not None,
            accuracy=accuracy,
        )

    def _judge(self, count: int) -> Judge:
        """Return a judge of `count` of the dev texts, evenly spaced."""
        rows = [round(place * (len(self._texts) - 1) / max(count - 1, 1)) for place in range(count)]
        return Judge(
            self._model,
            load_tokenizer(self._source),
            [self._texts[row] for row in rows],
            None if self._targets is None else self._targets[rows],
            self._shapes.max_length,
        )

    def _costs(self) -> tuple[LayerCost, ...]:
        judge = self._judge(min(self._settings.sensitivity_texts, len(self._texts)))
        formats = [WeightFormat.parse(name) for name in self._settings.formats]
        found = sensitivity(self._model, judge, formats, self._roundings, self._part(0, 0.6))
        layers = {layer.name: layer for layer in planned_layers(self._model, self._base)}
        storable = tuple(cost for cost in found if self._is_storable(layers[cost.layer], cost))
        left_out = layers.keys() - {cost.layer for cost in storable}
        if left_out:
            raise RecipeError(
                f"{self._settings.target} can store none of {', '.join(self._settings.formats)} for the "
                f"layer {min(left_out)!r}; give further `formats`, such as int8."
            )
        return storable

    def _is_storable(self, layer: PlannedLayer, cost: LayerCost) -> bool:
        plan = self._base.with_layers({layer.name: WeightFormat.parse(cost.format)})
        planned = PlannedLayer(layer.name, layer.kind, layer.shape, WeightFormat.parse(cost.format))
        return not self._target.unrealizable(plan, [planned])

    def _uniform(self, costs: Sequence[LayerCost]) -> Uniform:
        plans = {name: self._uniform_plan(name, costs) for name in self._settings.formats}
        self._say(
            0.62, "writing a file to weigh" + (", and one per format to time" if self._is_timed else "")
        )
        program = Program.from_checkpoint(self._source, self._shapes)
        return uniform_files(program, self._target, plans, costs, self._texts, self._is_timed)

    @property
    def _is_timed(self) -> bool:
        return self._settings.max_ms is not None

    def _uniform_plan(self, name: str, costs: Sequence[LayerCost]) -> Plan:
        """Return the plan that gives a format to each layer that can have it; the others have the first."""
        layers: dict[str, WeightFormat] = {}
        for cost in costs:
            if cost.format == name or cost.layer not in layers:
                layers[cost.layer] = WeightFormat.parse(cost.format)
        return self._base.model_copy(update={"name": f"uniform-{name}", "layers": layers})

    def _options(self, costs: Sequence[LayerCost], uniform: Uniform, judge: Judge) -> list[Option]:
        layers = planned_layers(self._model, self._base)
        plans = frontier(costs, self._base, self._settings.options)
        options = []
        for place, plan in enumerate(plans):
            with self._roundings.applied(plan.layers):
                cost = judge.cost(plan)
            options.append(
                Option(
                    plan=plan,
                    megabytes=(uniform.fixed_bytes + weight_bytes(plan, costs)) / _MEGABYTE,
                    divergence=cost.divergence,
                    drop=_points_lost(judge.reference, cost),
                    milliseconds=estimated_ms(plan, layers, uniform.milliseconds),
                )
            )
            self._say(
                0.7 + 0.3 * (place + 1) / len(plans), f"plan {place + 1} of {len(plans)} on all dev texts"
            )
        return options

    def _part(self, start: float, end: float) -> Progress:
        return lambda fraction, message: self._say(start + (end - start) * fraction, message)

    def _say(self, fraction: float, message: str) -> None:
        if self._told is not None:
            self._told(fraction, message)


def _points_lost(before: Cost, now: Cost) -> float:
    """Return points of accuracy that were lost; of agreement where there are no labels."""
    if before.accuracy is None or now.accuracy is None:
        return 100 * (1 - now.agreement)
    return 100 * (before.accuracy - now.accuracy)
