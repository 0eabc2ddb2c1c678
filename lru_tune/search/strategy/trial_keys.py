"""Keys of the mapping a Ray trial is started with and of the results it sends, beside the metrics."""

NUMBER = "number"  # of the trial in its experiment, from 0
RUN = "run"  # the complete RunConfig as a mapping
RUN_DIR = "run_dir"  # absolute path
FINAL = "final"  # what is done after the last report: a name in FINALS of `lru_tune.search.ray.trainable`
BRACKET = "bracket"  # whom a run of a fixed list is compared with
WORKER = "worker"  # WorkerSettings as a mapping, the same for all trials
REPORT = "report"  # reports so far, from 1
STATUS = "status"  # `running` or how the trial ended by itself
ERROR = "error"
WARNINGS = "warnings"  # texts; absent where there are none
RUNNING = "running"  # the status of a report that is not the last
