"""The budget: which plan is best within so many megabytes, points of accuracy and milliseconds."""

from pocketformer.budget.result import BudgetResult, LayerCost, Option
from pocketformer.budget.searching import search_plan
from pocketformer.budget.settings import BudgetSettings

__all__ = ["BudgetResult", "BudgetSettings", "LayerCost", "Option", "search_plan"]
