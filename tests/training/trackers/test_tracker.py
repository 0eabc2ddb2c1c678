import threading
import time

from lru_tune.files.run_directory import METRICS_COLUMNS, Report
from lru_tune.training.trackers import tensorboard, tracker
from lru_tune.training.trackers.tensorboard import TensorBoardTracker
from lru_tune.training.trackers.tracker import Background, TrackerSettings, make_trackers

REPORT = Report(5, dict.fromkeys(METRICS_COLUMNS, 0.5), last=True)


class Recorder:
    def __init__(self):
        self.calls = []

    def start(self, config, run_dir):
        self.calls.append("start")

    def log(self, report):
        self.calls.append(report.step)

    def finish(self, status):
        self.calls.append(status)


class Broken(Recorder):
    def start(self, config, run_dir):
        raise ConnectionError("no network")


class Stuck(Recorder):
    def __init__(self):
        super().__init__()
        self.release = threading.Event()

    def log(self, report):
        self.release.wait()


def follow(tracker, config, run_dir):
    tracker.start(config, run_dir)
    tracker.log(REPORT)
    tracker.finish("completed")


def test_none_by_default():
    assert make_trackers(TrackerSettings()) == ()


def test_calls_arrive_in_order(config, tmp_path):
    recorder = Recorder()
    follow(Background(recorder), config, tmp_path)
    assert recorder.calls == ["start", 5, "completed"]


def test_a_broken_tracker_is_a_warning(config, tmp_path, caplog):
    broken = Broken()
    follow(Background(broken), config, tmp_path)
    assert broken.calls == []
    assert "Broken switched off: ConnectionError: no network" in caplog.text


def test_a_stuck_tracker_delays_the_end_by_a_bound_only(config, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tracker, "FINISH_SECONDS", 0.2)
    stuck = Stuck()
    begun = time.monotonic()
    follow(Background(stuck), config, tmp_path)
    assert time.monotonic() - begun < 5
    assert "Stuck has not finished" in caplog.text
    stuck.release.set()


def test_tensorboard_sees_a_report_while_the_run_goes_on(config, tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "FLUSH_SECONDS", 0.1)
    tracker = TensorBoardTracker()
    tracker.start(config, tmp_path)
    tracker.log(REPORT)
    (events,) = (tmp_path / "tb").glob("events.out.tfevents.*")
    patience = time.monotonic() + 20
    while b"val/accuracy" not in events.read_bytes():
        assert time.monotonic() < patience
        time.sleep(0.05)
    tracker.finish("completed")


def test_tensorboard_events_are_written(config, tmp_path):
    (tracker,) = make_trackers(TrackerSettings(tensorboard=True))
    follow(tracker, config, tmp_path)
    assert list((tmp_path / "tb").glob("events.out.tfevents.*"))
