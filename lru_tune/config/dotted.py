"""Nested mappings as flat ones with dotted keys, and back: `{"optim": {"b1": 0.9}}`, `{"optim.b1": 0.9}`."""

from typing import Any


def flatten(mapping: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested dicts into one dict with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn dotted keys into nested dicts; the inverse of `flatten`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested
