"""Advice: from a phone, a budget and the data at hand to a recipe, with the reasons."""

from pocketformer.advice.advising import Advice, advise
from pocketformer.advice.rules import RULES, Question, Rule
from pocketformer.advice.situation import Platform, Situation

__all__ = ["RULES", "Advice", "Platform", "Question", "Rule", "Situation", "advise"]
