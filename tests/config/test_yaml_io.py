from pathlib import Path

import pytest

from lru_tune.config.yaml_io import read_override, read_yaml
from lru_tune.errors import ConfigError, Problem


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a text to x.yaml in the current folder and reads it."""
    monkeypatch.chdir(tmp_path)

    def write(text: str):
        Path("x.yaml").write_text(text)
        return read_yaml("x.yaml")

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.", 1.0),
        (".5", 0.5),
        ("-3", -3),
        ("012", 12),
        ("1_0", "1_0"),
        ("off", "off"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2026-01-31", "2026-01-31"),
        ("true", True),
        ("", None),
        ("null", None),
        ("'3'", "3"),
        ("[1, 2.5, a]", [1, 2.5, "a"]),
    ],
)
def test_scalars_mean_what_they_look_like(written, text, value):
    read = written(f"key: {text}\n").content["key"]
    assert read == value
    assert type(read) is type(value)


def test_every_entry_remembers_its_line(written):
    document = written("a: 1\nb:\n  c: 2\n  d:\n    - x\n    - y\n")
    lines = {"a": 1, "b": 2, "b.c": 3, "b.d": 4, "b.d.0": 5, "b.d.1": 6}
    assert document.origins == lines


def test_an_unknown_path_is_placed_at_its_nearest_ancestor(written):
    document = written("a:\n  b: 1\n")
    missing = Problem("config.missing")
    assert str(document.locate("a.c.d", missing)) == "x.yaml:1: a.c.d: is missing"
    assert str(document.locate("z", missing)) == "x.yaml: z: is missing"
    assert str(document.locate("", missing)) == "x.yaml: is missing"


def test_all_duplicate_keys_are_reported_with_both_lines(written):
    with pytest.raises(ConfigError) as caught:
        written("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert caught.value.problems == (
        Problem("config.key-given-twice", {"first": 2}, "x.yaml", 2, "b.c"),
        Problem("config.key-given-twice", {"first": 1}, "x.yaml", 3, "a"),
    )


def test_a_dotted_and_a_nested_key_of_the_same_field_are_duplicates(written):
    with pytest.raises(ConfigError) as caught:
        written("model: {n_layers: 2}\nmodel.n_layers: 3\n")
    assert caught.value.code == "config.key-given-twice"


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a: [1\n", 2, "config.not-yaml"),
        ("- 1\n", None, "config.no-lines"),
        ("", None, "config.no-lines"),
        ("a: &x {b: *x}\n", 1, "config.alias-to-itself"),
        ("a: \x00\n", None, "config.not-text"),
    ],
)
def test_what_is_no_mapping_is_refused_with_its_place(written, text, line, code):
    with pytest.raises(ConfigError) as caught:
        written(text)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.code) == ("x.yaml", line, code)


def test_aliases_are_followed(written):
    assert written("a: &x {b: 1}\nc: *x\n").content["c"] == {"b": 1}


def test_tags_make_no_objects(written):
    assert written("a: !!python/object/apply:os.getcwd []\n").content == {"a": []}


def test_a_missing_file_names_its_neighbour(written):
    written("a: 1\n")
    Path("x.yaml").rename("listops.yaml")
    with pytest.raises(ConfigError) as caught:
        read_yaml("listop.yaml")
    (problem,) = caught.value.problems
    values = {"hint": " Did you mean 'listops.yaml'?"}
    assert problem == Problem("config.no-such-file", values, "listop.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=1e-3", ("a.b", 1e-3)),
        ("a.b=off", ("a.b", "off")),
        ("a=null", ("a", None)),
        ("a={choice: [1, 2]}", ("a", {"choice": [1, 2]})),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_overrides_are_read_as_yaml(text, expected):
    assert read_override(text) == expected


@pytest.mark.parametrize("text", ["a.b", "=1", "a=", "a= ", "a=[1", "a={b: 1, b: 2}"])
def test_a_bad_override_is_reported_with_its_flag(text):
    with pytest.raises(ConfigError) as caught:
        read_override(text)
    assert all(str(problem).startswith(f"--set {text}: ") for problem in caught.value.problems)


def test_hidden_files_are_not_offered_where_one_is_missing(tmp_path):
    (tmp_path / ".hidden.yaml").touch()

    def hint(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            read_yaml(path)
        return caught.value.problems[0].values["hint"]

    assert hint(tmp_path / "listop.yaml") == ""
    (tmp_path / "listops.yaml").touch()
    assert hint(tmp_path / "listop.yaml") == " Did you mean 'listops.yaml'?"
    assert hint(tmp_path) == " Known: listops.yaml."
