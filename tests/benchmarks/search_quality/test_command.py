import pytest

from benchmarks import report
from benchmarks.search_quality import __main__ as command
from benchmarks.search_quality import kept, lcbench

ARGUMENTS = ["--surrogate", "nowhere", "--budget", "3", "--seeds", "1"]


@pytest.fixture(autouse=True)
def synthetic(problem, monkeypatch, tmp_path):
    """Three tasks of the same closed form, and a folder of results of their own."""
    monkeypatch.setenv(report.FOLDER, str(tmp_path))
    problems = [type(problem)(**vars(problem) | {"name": name}) for name in "abc"]
    monkeypatch.setattr(lcbench, "load_problems", lambda folder, tasks: problems)


def test_the_last_line_is_a_summary_and_nothing_is_kept_unasked(capsys, tmp_path):
    assert command.main(ARGUMENTS) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("ok: none/4: default ")
    assert not list(tmp_path.iterdir())


def test_a_default_that_is_worse_than_random_proposals_is_an_error(monkeypatch, capsys):
    true = command.run_one

    def spoilt(problem, name, **options):
        row = true(problem, name, **options)
        return row | {"regret_100": row["regret_100"] + 50.0 * (name == "default")}

    monkeypatch.setattr(command, "run_one", spoilt)
    assert command.main(ARGUMENTS) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("WORSE THAN RANDOM: ")


def test_kept_rows_take_the_place_of_their_own_kind_only(tmp_path):
    methods = ["--methods", "random", "random-asha"]
    command.main([*ARGUMENTS, *methods, "--keep", "--stress", "none", "plateau-20"])
    command.main([*ARGUMENTS, "--methods", "random", "--keep", "--workers", "1"])
    names = ["none_1-workers_3", "none_4-workers_3", "plateau-20_4-workers_3"]
    assert sorted(path.stem for path in (tmp_path / kept.NAME).glob("*.csv")) == names
    before = kept.read(names[1])
    assert len(before) == 3 * 2
    command.main([*ARGUMENTS, "--methods", "random", "default", "--keep"])
    after = kept.read(names[1])
    assert (after[:6], len(after)) == (before, 9)


def test_an_unknown_stress_ends_with_the_usage(capsys):
    with pytest.raises(SystemExit) as error:
        command.main([*ARGUMENTS, "--stress", "rain"])
    assert error.value.code == 2
    assert "rain" in capsys.readouterr().err
