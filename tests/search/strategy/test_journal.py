from lru_tune.search.strategy.journal import Ended, Journal, Reported, Suggested


def test_a_journal_reads_back_what_was_written(tmp_path):
    path = tmp_path / "journal.jsonl"
    events = (
        Suggested(0, {"optim.learning_rate": 0.1}, "0000-aa"),
        Suggested(1, {"optim.learning_rate": 0.2}, "0001-bb"),
        Reported(0, 10, 1, 0.5, "running"),
        Ended(0, "stopped"),
    )
    journal = Journal(path)
    for event in events:
        journal.append(event)

    again = Journal(path)

    assert again.events == events
    assert again.trials == journal.trials
    assert again.unfinished() == [1]
    assert again.trials[0].values == {10: 0.5}


def test_a_line_cut_off_by_a_crash_is_dropped_and_written_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append(Suggested(0, {}, "0000-aa"))
    with open(path, "a") as file:
        file.write('{"event": "reported", "num')

    again = Journal(path)
    again.append(Ended(0, "failed", "lost"))

    assert Journal(path).events == (Suggested(0, {}, "0000-aa"), Ended(0, "failed", "lost"))
