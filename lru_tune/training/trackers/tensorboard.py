"""TensorBoard: one event file per run."""

from pathlib import Path

from lru_tune.config.dotted import flatten
from lru_tune.config.schema import RunConfig
from lru_tune.files.run_directory import STEP, Report

FLUSH_SECONDS = 5.0  # until a report shows in the file; TensorBoard's own default is two minutes


class TensorBoardTracker:
    """Writes scalars for TensorBoard under `run_dir/tb`."""

    def start(self, config: RunConfig, run_dir: Path) -> None:
        """Open the event file."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(run_dir / "tb"), flush_secs=FLUSH_SECONDS)
        self._writer.add_text(
            "config",
            "\n".join(f"{k}: {v}" for k, v in flatten(config.model_dump(mode="json")).items()),
        )

    def log(self, report: Report) -> None:
        """Write every metric at its step."""
        for name, value in report.metrics.items():
            if name != STEP:
                self._writer.add_scalar(name, value, report.step)

    def finish(self, status: str) -> None:
        """Close the event file."""
        self._writer.add_text("status", status)
        self._writer.close()
