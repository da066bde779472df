"""YAML with positions → Spec → everything that is wrong with it. Pure: text and data in, data out."""

from flowlock.spec import render
from flowlock.spec.catalog import Catalog
from flowlock.spec.check import by_place, check, check_text
from flowlock.spec.facts import Facts, facts_of
from flowlock.spec.model import Spec
from flowlock.spec.parse import parse

__all__ = ["Catalog", "Facts", "Spec", "by_place", "check", "check_text", "facts_of", "parse", "render"]
