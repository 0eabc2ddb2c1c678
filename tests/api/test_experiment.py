"""Experiments, runs and comparisons in Python, on folders as a search leaves them."""

import pytest

import lru_tune as lt
from lru_tune.api.arguments import override_texts
from lru_tune.search.record import write_record


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make(tmp_path, write_run):
    """A function that writes a confirmed experiment whose second trial is the best."""

    def write(name: str, *accuracies: float, task: str = "listops") -> lt.Experiment:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        quick = {"task": task, "variant": "lru", "synthetic": True, "scale": "quick"}
        data = {"metric": "val/accuracy", "mode": "max", "data_root": str(tmp_path / "data")}
        write_record(folder, status="completed", **quick, **data)
        (folder / "space.yaml").write_text(lt.SearchSpace.load("listops", scale="quick").to_yaml())
        better = {"optim.learning_rate": 0.002}
        write_run(folder / "trials" / "0000-a", accuracies=(0.2, 0.5))
        write_run(folder / "trials" / "0001-b", accuracies=(0.2, 0.6), config=better)
        for seed, accuracy in enumerate(accuracies, 1):
            config = better | {"seed": seed}
            run = folder / "confirm" / f"00-seed{seed}"
            write_run(run, accuracies=(0.2, 0.6), config=config, **{"test/accuracy": accuracy})
        return lt.Experiment(name)

    return write


def test_an_experiment_is_found_by_name_and_read_as_frames(make, tmp_path):
    experiment = make("one", 0.5, 0.52)
    assert experiment.folder == tmp_path / "runs" / "one"
    assert lt.Experiment("last").folder == lt.Experiment(experiment.folder).folder
    assert experiment.status == "completed"
    assert experiment.trials["trial"].tolist() == ["0000-a", "0001-b"]
    assert len(experiment.history) == 4
    assert experiment.confirmations["trial"].tolist() == ["0001-b"] * 2
    assert experiment.best.optim.learning_rate == 0.002
    assert experiment.space.task == "listops"


@pytest.mark.parametrize("place", ["nowhere", "last"])
def test_where_no_experiment_is_there_is_an_error(place):
    with pytest.raises(lt.ConfigError):
        lt.Experiment(place)


def test_confirmed_experiments_are_compared_by_their_best_trials(make):
    first, near, far = make("a", 0.5, 0.52, 0.51), make("b", 0.505, 0.52), make("c", 0.7, 0.72)
    frame = lt.compare([first, "b", far.folder])
    assert frame["trial"].tolist() == ["0001-b"] * 3
    assert frame["n"].tolist() == [3, 2, 2]
    assert frame["difference"].tolist() == pytest.approx([0, 0.0025, 0.2])
    assert frame["tie"].tolist() == [None, True, False]
    assert frame["difference_low"][2] > 0
    assert near.name == "b"


def test_what_cannot_be_compared_is_refused(make):
    confirmed = make("a", 0.5, 0.52)
    for other, code in (
        (make("b"), "api.not-confirmed"),
        (make("c", 0.5, task="imdb"), "api.different-tasks"),
    ):
        with pytest.raises(lt.ConfigError) as refused:
            lt.compare([confirmed, other])
        assert refused.value.code == code


def test_wrong_arguments_are_refused_before_anything_is_written(make, tmp_path):
    space = lt.SearchSpace.load("copy", scale="quick")
    with pytest.raises(lt.ConfigError) as refused:
        lt.tune(space, trials=8)
    assert refused.value.code == "api.space-with-changes"
    with pytest.raises(lt.ConfigError):
        lt.tune("copy", set={"optim.lr": 1})
    with pytest.raises(lt.ConfigError):
        lt.train("copy", set={"optim.lr": 1})
    with pytest.raises(lt.ConfigError) as refused:
        lt.train(lt.RunConfig(task="listops", steps=1), cpus=0)
    assert refused.value.code == "api.too-small"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(lt.ConfigError):
        make("one").resume(set={"steps": 1})


def test_a_run_and_an_experiment_without_parameters_cannot_be_loaded(make):
    folder = make("one").folder
    run = lt.Run(folder / "trials" / "0000-a")
    assert run.result["status"] == "completed"
    assert len(run.metrics) == 2
    for load in (run.load, lambda: lt.load("one"), lambda: lt.load(folder, trial="0")):
        with pytest.raises(lt.ConfigError) as refused:
            load()
        assert refused.value.code == "api.no-parameters"
    with pytest.raises(lt.ConfigError) as refused:
        lt.Run(folder)
    assert refused.value.code == "api.not-a-run"


def test_values_become_texts_that_mean_the_same():
    values = {"data.batch_size": 16, "optim.learning_rate": 1e-5, "model.bidirectional": True}
    texts = override_texts(values | {"data.max_length": None, "optim.schedule": "constant"})
    assert texts[1:] == [
        "optim.learning_rate=1e-05",
        "model.bidirectional=true",
        "data.max_length=null",
        'optim.schedule="constant"',
    ]
    space = lt.SearchSpace.load("listops", overrides=texts)
    assert space.base["optim.learning_rate"] == 1e-5
    assert space.base["optim.schedule"] == "constant"
