"""The plan: which layer gets which bits, decided once in PyTorch and stored by every target."""

from pocketformer.plan.activations import simulated
from pocketformer.plan.baking import bake, baked
from pocketformer.plan.formats import WeightFormat
from pocketformer.plan.grid import Codes, decode, encode
from pocketformer.plan.layers import PlannedLayer, planned_layers, weighted_modules
from pocketformer.plan.plan import Activations, Plan, Rounding, as_plan
from pocketformer.plan.stored import PLAN_FILE, plan_of_checkpoint

__all__ = [
    "PLAN_FILE",
    "Activations",
    "Codes",
    "Plan",
    "PlannedLayer",
    "Rounding",
    "WeightFormat",
    "as_plan",
    "bake",
    "baked",
    "decode",
    "encode",
    "plan_of_checkpoint",
    "planned_layers",
    "simulated",
    "weighted_modules",
]
