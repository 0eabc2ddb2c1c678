"""Constraints between fields, as small safe expressions over dotted names.

Grammar: comparisons, `and`, `or`, `not`, `+ - * / // %`, numbers, strings and names such as
`model.recurrence.r_min`. Nothing else is evaluated.
"""

import ast
import itertools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lru_tune.errors import Invalid

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
}


@dataclass(frozen=True)
class Constraint:
    """A condition that every sample must satisfy. Made by `parse_constraint`.

    Attributes:
      text: as written.
      names: the dotted fields it reads, in order of appearance.
    """

    text: str
    names: tuple[str, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether the expression is true for these values; a division by zero makes it false.

        Args:
          values: dotted field -> value.

        Raises:
          TypeError: values of different types are compared.
        """
        try:
            return bool(_evaluate(ast.parse(self.text, mode="eval").body, values))
        except ZeroDivisionError:
            return False


def parse_constraint(text: Any) -> Constraint:
    """Return a constraint; raise Invalid where the text is not in the grammar."""
    if not isinstance(text, str):
        raise Invalid("config.wrong-type", expected="a string such as 'a.b < a.c'", given=text)
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        raise Invalid("space.not-an-expression", text=text) from None
    names: dict[str, None] = {}
    _check(tree, names)
    if not names:
        raise Invalid("space.constraint-without-field", text=text)
    return Constraint(text, tuple(names))


def _children(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return [left, right]
        case ast.Compare(left=left, ops=ops, comparators=rest) if {type(o) for o in ops} <= set(
            _COMPARISONS
        ):
            return [left, *rest]
        case ast.Constant(value=bool() | int() | float() | str()):
            return []
    raise Invalid("space.not-allowed-in-constraints", text=ast.unparse(node))


def _check(node: ast.expr, names: dict[str, None]) -> None:
    if name := _dotted(node):
        names[name] = None
        return
    for child in _children(node):
        _check(child, names)


def _dotted(node: ast.expr) -> str | None:
    """Return `a.b.c` for a chain of attributes of a name, None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (group := _dotted(node.value)):
        return f"{group}.{node.attr}"
    return None


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:
    if name := _dotted(node):
        return values[name]
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, values) for part in parts)
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_evaluate(operand, values))
        case ast.BinOp(left=left, op=operation, right=right):
            pair = _evaluate(left, values), _evaluate(right, values)
            return _ARITHMETIC[type(operation)](*pair)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            sides = [_evaluate(side, values) for side in (left, *rest)]
            pairs = zip(ops, itertools.pairwise(sides), strict=True)
            return all(_COMPARISONS[type(op)](*pair) for op, pair in pairs)
        case ast.Constant(value=constant):
            return constant
    raise ValueError(f"{ast.unparse(node)!r} is not in the grammar of constraints")
