from lru_tune.results.reading.record import read_space


def test_a_space_is_read_as_a_search_reads_it(tmp_path):
    (tmp_path / "space.yaml").write_text(
        "search: {optim.learning_rate: {loguniform: [1e-4, 1e-2]}}\n"
    )
    assert read_space(tmp_path)["search"]["optim.learning_rate"] == {"loguniform": [1e-4, 1e-2]}


def test_where_no_search_was_there_is_no_space(tmp_path):
    assert read_space(tmp_path) == {}
