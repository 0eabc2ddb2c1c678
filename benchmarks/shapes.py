"""The shapes at which whole training steps are compared."""

from dataclasses import dataclass, replace

import numpy as np

from lru_tune.config.schema import DataConfig, ModelConfig, OptimConfig, RunConfig, RuntimeConfig
from lru_tune.tasks import TASKS, Task, Tokens


@dataclass(frozen=True)
class Shape:
    """A task at one length, a model size and a batch."""

    name: str
    task_name: str
    length: int
    d_model: int
    d_hidden: int
    n_layers: int
    batch_size: int
    dropout: float = 0.1

    @property
    def per_step(self) -> bool:
        """Whether the task predicts at several steps."""
        return TASKS[self.task_name].head == "per_step"

    @property
    def task(self) -> Task:
        """The task, cut to this shape's length."""
        task = TASKS[self.task_name]
        return replace(
            task, max_length=self.length, scored_steps=min(task.scored_steps, self.length // 2 - 4)
        )

    def config(self, scan: str = "auto") -> RunConfig:
        """Return the run configuration of this shape."""
        return RunConfig(
            task=self.task_name,
            steps=1000,
            model=ModelConfig(
                n_layers=self.n_layers,
                d_model=self.d_model,
                d_hidden=self.d_hidden,
                dropout=self.dropout,
                pooling="none" if self.per_step else "mean",
            ),
            optim=OptimConfig(weight_decay=0.05),
            data=DataConfig(batch_size=self.batch_size),
            runtime=RuntimeConfig(scan=scan),
        )

    def example_batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return random inputs and targets, as stored on disk."""
        rng, task = np.random.default_rng(0), self.task
        if isinstance(task.inputs, Tokens):
            inputs = rng.integers(0, task.inputs.width, (self.batch_size, self.length), np.uint8)
        else:
            size = (self.batch_size, self.length, task.inputs.width)
            inputs = rng.integers(0, int(task.inputs.scale) + 1, size, np.uint8)
        if self.per_step:
            shape = (self.batch_size, task.scored_steps, task.num_outputs)
            return inputs, rng.integers(0, task.num_classes, shape, np.uint8)
        return inputs, rng.integers(0, task.num_classes, self.batch_size, np.uint8)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("copy", "copy", 28, 256, 128, 4, 64),
        Shape("copy-48", "copy", 48, 256, 128, 4, 64),
        Shape("copy-online", "copy", 48, 128, 64, 4, 50),
        Shape("smnist", "smnist", 784, 128, 128, 4, 50),
        Shape("smnist-small", "smnist", 784, 64, 64, 2, 64),
        Shape("scifar", "scifar", 1024, 256, 192, 6, 16),
        Shape("listops", "listops", 2048, 128, 256, 6, 8),
        Shape("imdb", "imdb", 4096, 256, 192, 6, 4),
        Shape("tiny", "copy", 48, 32, 32, 2, 32),
        Shape("listops-quick", "listops", 128, 32, 32, 2, 16),
    )
}
