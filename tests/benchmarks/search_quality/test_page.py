"""The page on searches shows what was measured."""

from benchmarks.search_quality import kept
from benchmarks.search_quality.lcbench import JUDGING
from benchmarks.search_quality.page import MARKED, PAGE, filled


def test_the_tables_are_those_of_the_kept_results():
    page = PAGE.read_text()
    assert page == filled(page), "renew it: python -m benchmarks.search_quality.page"
    assert "Not measured" not in page


def test_the_page_shows_every_kept_setting():
    settings = {path.stem for path in kept.folder().glob("*.csv")}
    assert settings == {setting for _, setting, _ in MARKED.findall(PAGE.read_text())}


def test_tasks_for_judging_stay_out_of_the_tables_for_tuning(monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "folder", lambda: tmp_path)
    columns = {f"regret_{share}": 1.0 for share in range(5, 101, 5)}
    rows = [
        {"method": "default", "task": task, "seed": 0, "trials": 3, "completed": 1} | columns
        for task in ("7593", "34539", JUDGING[0])
    ]
    kept.keep("none_4-workers_20", rows)
    texts = [
        filled(f"<!-- results: none_4-workers_20 {tasks} -->\n<!-- end -->")
        for tasks in ("tuning", "judging")
    ]
    assert "2 tasks." in texts[0]
    assert "1 tasks." in texts[1]
