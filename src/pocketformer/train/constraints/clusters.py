"""Weight clustering: a few values for each weight, which are trained themselves (Han et al. 2016).

Deep Compression: a number is looked up in a table by its place; the gradient of a value is the sum of its
members' gradients. At first the members are free as well: their gradients pass straight through to the
weights behind the table, and from time to time the values are searched for anew and each weight takes the
nearest. From `freeze` on places stay, and the values alone are trained. Baked, a weight holds so many
different float16 numbers and no more, and `plan.encode` finds this very table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from pocketformer.errors import RecipeError
from pocketformer.plan.layers import LayerKind
from pocketformer.plan.names import inside_most
from pocketformer.plan.palettes import palettes
from pocketformer.train.constraints.weights import WeightConstraint, WeightRule, require_known_layers

__all__ = ["ClusterRule", "Clusters"]

_SIZES = range(2, 257)
_SEARCHES = 10  # for values and places, until they are frozen


class ClusterRule(WeightRule):
    """A weight whose numbers are values of a table, one table for all its rows or one per group of them.

    Args:
        weight: `[rows, columns…]`.
        size: Values in a table; with `zeros`, zero is one of them.
        groups: Tables; they divide the rows.
        zeros: Whether a number that is zero stays zero.
        freeze: Share of the training after which places stay.
    """

    places: Tensor
    searches: Tensor

    def __init__(
        self, weight: Tensor, size: int, groups: int = 1, zeros: bool = False, freeze: float = 0.3
    ) -> None:
        super().__init__()
        self._zeros, self._freeze = zeros, freeze
        self.values = nn.Parameter(torch.zeros(groups, size - 1 if zeros else size, device=weight.device))
        self.register_buffer("places", torch.zeros(weight.numel(), dtype=torch.uint8, device=weight.device))
        self.register_buffer("searches", torch.zeros((), dtype=torch.int64, device=weight.device))
        self.search(weight)

    def forward(self, weight: Tensor) -> Tensor:
        """Look every number up."""
        frozen = int(self.searches) >= _SEARCHES
        found: Tensor = _LookedUp.apply(weight, self.values, self.places, frozen)  # type: ignore[no-untyped-call]  # torch's own
        return torch.where(weight == 0, weight, found) if self._zeros else found

    def advance(self, fraction_done: float, weight: Callable[[], Tensor]) -> None:
        """Search at even distances until the places are frozen."""
        done = fraction_done / self._freeze if self._freeze else 1.0
        number = min(int(done * _SEARCHES), _SEARCHES)
        if number > int(self.searches):
            self.searches.fill_(number)
            self.search(weight())

    def search(self, weight: Tensor) -> None:
        """Find the values that are nearest to the weights, by k-means, and the place of each weight."""
        with torch.no_grad():
            groups = weight.detach().float().cpu().reshape(len(self.values), -1)
            places = self.places.view(len(groups), -1)
            for group, numbers in enumerate(groups):
                kept = numbers[numbers != 0] if self._zeros else numbers
                if len(kept):
                    _, (table,) = palettes(kept[None].numpy(), 1, self.values.shape[1])
                    self.values[group] = torch.from_numpy(table)
                    between = (self.values[group, 1:] + self.values[group, :-1]) / 2
                    places[group] = torch.searchsorted(between, numbers.to(between)).to(torch.uint8)


class _LookedUp(torch.autograd.Function):
    """Float16 values at places; backwards, the sum over members for values, straight through for weights."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, values: Tensor, places: Tensor, frozen: bool) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape, ctx.frozen = values.shape, frozen
        table = values.half().to(weight.dtype)
        return torch.gather(table, 1, places.view(len(table), -1).long()).view_as(weight)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (gradient,) = gradients
        (places,) = ctx.saved_tensors
        groups, size = ctx.shape
        offsets = torch.arange(groups, device=places.device)[:, None] * size
        bins = (places.view(groups, -1).long() + offsets).flatten()
        sums = torch.zeros(groups * size, dtype=torch.float32, device=places.device)
        sums.index_add_(0, bins, gradient.reshape(-1).float())
        straight = torch.zeros_like(gradient) if ctx.frozen else gradient
        return straight, sums.view(groups, size), None, None


class Clusters(WeightConstraint):
    """Trains a module whose weights are a few shared values, which Core ML stores as palettes.

    Args:
        size: Values of a weight, 2 to 256; a power of two uses up the bits of its places.
        group: Rows that share a table; 0: all of them. A weight whose rows it does not divide has one table.
        zeros: Keep the zeros of a constraint before this one, such as `Sparsity`; zero is one of the values.
        freeze: Share of the training after which each weight keeps its place, 0 to 1.
        layers: Exceptions by layer name, as in `module.named_modules()`, a prefix for all that is inside: a
            size of their own, 0 leaves them alone.
        kinds: Of layers: 'linear', 'convolution', 'embedding'.

    Raises:
        RecipeError: A size or a share out of range.
    """

    def __init__(
        self,
        size: int,
        *,
        group: int = 0,
        zeros: bool = False,
        freeze: float = 0.3,
        layers: Mapping[str, int] | None = None,
        kinds: Collection[LayerKind] = ("linear", "convolution", "embedding"),
    ) -> None:
        super().__init__()
        for name, asked in {"": size, **(layers or {})}.items():
            if asked not in _SIZES and not (name and asked == 0):
                of = f" in {name!r}" if name else ""
                raise RecipeError(f"Clusters of {asked} values were asked for{of}; give 2 to 256.")
        if group < 0 or not 0 <= freeze <= 1:
            raise RecipeError(
                f"Clusters per {group} rows, frozen at {freeze} of the training, were asked for; give a "
                "count of rows, or 0 for all, and a share from 0 to 1."
            )
        self.size, self.group, self.zeros, self.freeze = size, group, zeros, freeze
        self._layers, self._kinds = dict(layers or {}), kinds

    def attach(self, module: nn.Module) -> None:
        """Put tables on a module, each found by k-means.

        Raises:
            RecipeError: An exception for a layer that is not there, or a weight that is not finite.
        """
        require_known_layers(module, self._layers, self._kinds, "Clusters")
        super().attach(module)

    def rule(self, name: str, weight: Tensor, kind: LayerKind) -> WeightRule | None:
        """Return the table of a layer's weight."""
        exception = inside_most(name, self._layers)
        size = self.size if exception is None else self._layers[exception]
        if not size or kind not in self._kinds:
            return None
        if not torch.isfinite(weight).all():
            raise RecipeError(f"The layer {name!r} has weights that are not finite: no table can hold them.")
        groups = len(weight) // self.group if self.group and len(weight) % self.group == 0 else 1
        return ClusterRule(weight, size, groups, self.zeros, self.freeze)
