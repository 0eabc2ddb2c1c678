"""A search as minimal-LRU's users run it: one run after the other, each by its own main loop's parts.

A process of its own, started by benchmarks/search_throughput.py; prints one JSON line. Needs what the peer's
copy task needs: torch, einops, tqdm. torchaudio and torchvision, which its loaders import for other tasks,
may be missing.
"""

import argparse
import importlib
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import jax

from benchmarks.peer import load_peer, peer_model
from benchmarks.shapes import SHAPES, Shape

UNUSED = ("torchaudio", "torchvision")  # by the copy task


def copy_task(examples: int) -> Any:
    """Return the peer's copy task, its arrays made: 20 patterns, a pause of 7, as in its training."""
    for name in UNUSED:
        if importlib.util.find_spec(name) is None:
            sys.modules[name] = mock.MagicMock()
            sys.modules[f"{name}.functional"] = mock.MagicMock()
    tasks = importlib.import_module("lru.dataloaders.copy")
    sizes = {"train_size": examples, "val_size": examples // 4, "test_size": examples // 4}
    task = tasks.CopyTask("copy", **sizes, in_dim=8, pattern_length=20, pad_length=7)
    task.setup()
    return task


def loaders(task: Any, batch_size: int) -> tuple[Any, Any]:
    """Return the loaders of training and validation with the peer's settings."""
    torch = importlib.import_module("torch")
    kinds = ((task.dataset_train, True), (task.dataset_val, False))
    return tuple(
        torch.utils.data.DataLoader(
            dataset=dataset,
            collate_fn=task._collate_fn,
            batch_size=batch_size,
            shuffle=training,
            drop_last=training,
            generator=torch.Generator().manual_seed(0),
        )
        for dataset, training in kinds
    )


def train(helpers: ModuleType, model_cls: Any, shape: Shape, task: Any, epochs: int) -> dict:
    """Train one run as the peer's main loop does, validating after each epoch; return its seconds."""
    begun = time.perf_counter()
    rate, key = 1e-3, jax.random.PRNGKey(0)
    train_loader, val_loader = loaders(task, shape.batch_size)
    state = helpers.create_train_state(
        model_cls,
        key,
        in_dim=8,
        batch_size=shape.batch_size,
        seq_len=shape.length,
        weight_decay=0.05,
        norm="batch",
        ssm_lr=rate / 2,
        lr=rate,
    )
    step, per_epoch = 0, len(train_loader)
    looping = time.perf_counter()
    for epoch in range(epochs):
        warm_up = epoch == 0
        schedule = helpers.linear_warmup if warm_up else helpers.cosine_annealing
        end = per_epoch * (1 if warm_up else epochs - 1)
        key, epoch_key = jax.random.split(key)
        state, _, step = helpers.train_epoch(
            state,
            epoch_key,
            model_cls,
            train_loader,
            shape.length,
            8,
            "batch",
            (schedule, rate / 2, rate, step, end, 1e-7),
        )
        _, accuracy = helpers.validate(state, model_cls, val_loader, shape.length, 8, "batch")
        float(accuracy)
    ended = time.perf_counter()
    return {"steps": step, "seconds": ended - begun, "loop_seconds": ended - looping}


def main() -> None:
    """Run the runs and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", type=Path)
    parser.add_argument("--shape", default="tiny", choices=SHAPES)
    parser.add_argument("--examples", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    arguments = parser.parse_args()
    models, helpers = load_peer(arguments.peer)
    shape = SHAPES[arguments.shape]
    # Made once: the peer's step is compiled for one model, and one that is equal is not the same to it.
    model_cls = peer_model(models, shape)
    task = copy_task(arguments.examples)
    runs = [train(helpers, model_cls, shape, task, arguments.epochs) for _ in range(arguments.runs)]
    print(json.dumps(runs))


if __name__ == "__main__":
    main()
