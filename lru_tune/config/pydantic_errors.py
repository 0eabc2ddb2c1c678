"""Pydantic's errors as problems of our own."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from lru_tune.config.document import show
from lru_tune.errors import Invalid, Problem, did_you_mean, problem

_EXPECTED: Mapping[str, str] = {
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "int_parsing": "an integer",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a string",
    "tuple_type": "a list",
}
# Pydantic's error type -> the name of the bound in the error's context, and the relation to it in words.
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def describe(error: ErrorDetails) -> Problem:
    """Return what is wrong with one value, without its place, from pydantic's account of it."""
    kind, given, context = error["type"], show(error["input"]), error.get("ctx", {})
    if kind == "missing":
        return problem("config.missing")
    if kind in _EXPECTED:
        return wrong_type(_EXPECTED[kind], error["input"])
    if kind in _BOUNDS:
        bound, relation = _BOUNDS[kind]
        return problem("config.out-of-range", relation=relation, bound=context[bound], given=given)
    if kind == "literal_error":
        expected = context["expected"]
        choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
        hint = did_you_mean(str(error["input"]), choices)
        nearest = hint if "mean" in hint else ""
        return problem("config.unknown-choice", expected=expected, given=given, hint=nearest)
    if isinstance(context.get("error"), Invalid):
        found: Problem = context["error"].problem
        return found
    return problem("config.invalid-value", reason=error["msg"], given=given)


def wrong_type(expected: str, given: object) -> Problem:
    """Return the problem of a value that is not of the expected kind ("a number", "a list")."""
    return problem("config.wrong-type", expected=expected, given=show(given))
