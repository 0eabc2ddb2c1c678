"""ListOps from a seed and from text: encoding, files of the release, limits."""

from pathlib import Path

import numpy as np
import pytest

from data_prep import Request, ensure_prepared, export_tsv, prepare
from data_prep.listops.encoding import build_vocabulary, decode, encode
from data_prep.listops.language import SYMBOLS, evaluate
from data_prep.listops.origin import COUNTS
from data_prep.listops.text import FILES, curry, read_expressions
from data_prep.listops.trees import Expressions, generate_block
from data_prep.pipeline.progress import silent
from data_prep.pipeline.recipe import shrunk
from lru_tune.data.store import PreparedTask
from lru_tune.data.verify import verify
from lru_tune.errors import ConfigError, DataDamaged, DataNotPrepared, Invalid

HEADER = "Source\tTarget\r\n"


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> PreparedTask:
    return ensure_prepared("listops", tmp_path_factory.mktemp("data"), synthetic=True)


def expression(prepared: PreparedTask, row: int) -> str:
    split, vocabulary = prepared.split("test"), prepared.manifest.vocabulary
    words = [vocabulary[token] for token in split.inputs[row, : split.lengths[row]]]
    assert words.pop() == "<eos>"
    return " ".join("]" if word == "X" else word for word in words)


def test_rows_are_tokens_then_eos_then_padding(twin):
    for name in ("train", "val", "test"):
        split = twin.split(name)
        assert split.inputs.shape == (twin.manifest.counts[name], 2048)
        assert (split.inputs.dtype, split.lengths.dtype) == (np.uint8, np.uint16)
        places = np.arange(2048)
        lengths = np.asarray(split.lengths)[:, None]
        np.testing.assert_array_equal(split.inputs == 0, places >= lengths)
        np.testing.assert_array_equal(split.inputs == 2, places == lengths - 1)


def test_targets_are_the_values(twin):
    targets = twin.split("test").targets
    assert [evaluate(expression(twin, row)) for row in range(len(targets))] == targets.tolist()


def test_the_vocabulary_has_eighteen_entries_by_falling_frequency(twin):
    vocabulary = twin.manifest.vocabulary
    assert vocabulary[:4] == ["<pad>", "<unk>", "<eos>", "X"]
    assert set(vocabulary[4:14]) == set("0123456789")
    assert set(vocabulary[14:]) == {"[MIN", "[MAX", "[MED", "[SM"}
    counts = np.bincount(twin.split("train").inputs.ravel(), minlength=18)
    assert (np.diff(counts[3:]) <= 0).all()


def test_ties_in_the_vocabulary_are_alphabetical():
    tokens = [SYMBOLS.index(symbol) for symbol in ("[SM", "[MAX", "]", "7", "3", "3")]
    vocabulary = build_vocabulary(np.array(tokens, np.uint8))
    assert vocabulary == ["<pad>", "<unk>", "<eos>", "3", "7", "X", "[MAX", "[SM"]


def test_a_token_that_train_lacks_is_unknown():
    expressions = Expressions(np.array([1, 2], np.uint8), np.array([2]), np.array([0], np.uint8))
    inputs, lengths = encode(expressions, ["<pad>", "<unk>", "<eos>", "2"], 5)
    assert inputs.tolist() == [[1, 3, 2, 0, 0]]
    assert lengths.tolist() == [3]


def test_decoding_is_the_inverse_of_encoding():
    block = generate_block(5, 0, roots=500)
    vocabulary = build_vocabulary(block.tokens)
    again = decode(*encode(block, vocabulary, 2048), block.values, vocabulary)
    for before, after in zip(block, again, strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_part_is_a_run_of_expressions():
    block = generate_block(5, 0, roots=500)
    middle = block.part(slice(3, 5))
    rows = np.split(block.tokens, np.cumsum(block.lengths)[:-1])
    np.testing.assert_array_equal(middle.tokens, np.concatenate(rows[3:5]))
    np.testing.assert_array_equal(middle.values, block.values[3:5])


def test_currying():
    assert curry(["[MAX", "3", "8", "]"]) == "( ( ( [MAX 3 ) 8 ) ] )"
    nested = "[MAX 3 [MIN 1 2 ] ]"
    assert curry(nested.split()) == "( ( ( [MAX 3 ) ( ( ( [MIN 1 ) 2 ) ] ) ) ] )"
    with pytest.raises(Invalid):
        curry(["[MAX", "3"])


@pytest.mark.parametrize("folder", [".", "listops-1000"])
def test_reading_an_export_gives_the_same_arrays(twin, tmp_path, folder):
    export_tsv(twin, tmp_path / "text" / folder)
    first_line = (tmp_path / "text" / folder / FILES["train"]).read_bytes().split(b"\n")[1]
    assert first_line.startswith(b"( (")
    assert first_line.endswith(b"\r")
    again = prepare(Request("listops", tmp_path / "data", from_dir=tmp_path / "text"))
    assert again.manifest.fingerprint == twin.manifest.fingerprint
    assert again.manifest.vocabulary == twin.manifest.vocabulary
    assert again.manifest.source == "files of the Long Range Arena release"
    assert verify(tmp_path / "data", "listops").problems == []


def test_a_limit_shrinks_files_too(twin, tmp_path):
    export_tsv(twin, tmp_path)
    limited = prepare(Request("listops", tmp_path / "data", from_dir=tmp_path, limit=96))
    assert limited.manifest.counts == {"train": 96, "val": 2, "test": 2}
    np.testing.assert_array_equal(limited.split("train").targets, twin.split("train").targets[:96])


def test_the_files_that_are_wanted_are_named(tmp_path):
    with pytest.raises(DataNotPrepared, check=lambda e: e.code == "prep.files-not-found"):
        prepare(Request("listops", tmp_path / "data", from_dir=tmp_path))


@pytest.mark.parametrize(
    ("lines", "line", "code"),
    [
        ("Target\tSource\r\n", 1, "header"),
        (HEADER, 2, "empty"),
        (HEADER + "( [MIN 3 ) ] )\t3\r\n( [MUL 3 ) ] )\t3\r\n", 3, "token"),
        (HEADER + "7\r\n", 2, "line"),
        (HEADER + "7\t10\r\n", 2, "line"),
        (HEADER + "( ( ( [MIN 3 ) 4 ) ] )\t4\r\n", 2, "value"),
        (HEADER + "( ( [MIN 3 ) 4 )\t3\r\n", 2, "open"),
    ],
)
def test_damaged_lines_are_named(tmp_path, lines, line, code):
    path = tmp_path / "x.tsv"
    path.write_bytes(lines.encode())
    with pytest.raises(DataDamaged) as raised:
        read_expressions(path, None, 2047, silent)
    (problem,) = raised.value.problems
    assert problem.code == f"published.listops-{code}"
    assert (problem.file, problem.line) == (str(path), line)


def test_long_expressions_are_cut_and_then_not_exported(tmp_path):
    text = f"[MAX {'7 ' * 3000}]"
    for file in FILES.values():
        (tmp_path / file).write_text(f"{HEADER}{text}\t7\r\n", newline="")
    prepared = prepare(Request("listops", tmp_path / "data", from_dir=tmp_path))
    split = prepared.split("test")
    assert split.lengths.tolist() == [2048]
    assert split.inputs[0, -1] == 2
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.cannot-export"):
        export_tsv(prepared, tmp_path / "text")
    assert not list((tmp_path / "text").iterdir())


def test_the_number_of_workers_changes_nothing(tmp_path):
    one, two = (
        prepare(Request("listops", tmp_path / str(workers), limit=2000, workers=workers))
        for workers in (1, 2)
    )
    assert one.manifest == two.manifest
    assert one.manifest.counts == {"train": 2000, "val": 41, "test": 41}
    assert verify(tmp_path / "1", "listops").problems == []


def test_another_seed_gives_other_expressions(tmp_path):
    prints = {
        prepare(Request("listops", tmp_path / str(seed), limit=50, seed=seed)).manifest.fingerprint
        for seed in (1, 2)
    }
    assert len(prints) == 2


def test_splits_shrink_in_proportion():
    assert shrunk(COUNTS, None) == shrunk(COUNTS, 10**6) == COUNTS
    assert shrunk(COUNTS, 960) == {"train": 960, "val": 20, "test": 20}
    assert shrunk(COUNTS, 10) == {"train": 10, "val": 1, "test": 1}


@pytest.mark.slow
def test_the_full_data_set(tmp_path):
    prepared = prepare(Request("listops", tmp_path, workers=2))
    assert prepared.manifest.counts == COUNTS
    assert prepared.manifest.chance == pytest.approx(0.172, abs=5 * (0.172 * 0.828 / 2000) ** 0.5)
    assert verify(tmp_path, "listops").problems == []


def test_repeated_expressions_are_dropped(tmp_path, monkeypatch):
    """Pairs of blocks are equal: the second adds nothing, so a third is needed."""
    asked: list[int] = []

    def repeating(seed: int, block: int) -> Expressions:
        asked.append(block)
        return generate_block(seed, block // 2, roots=500)

    monkeypatch.setattr("data_prep.listops.origin.generate_block", repeating)
    prepared = prepare(Request("listops", tmp_path, limit=60))
    assert len(asked) >= 3
    rows = {row.tobytes() for row in prepared.split("train").inputs}
    assert len(rows) == 60


def test_nothing_of_this_machine_is_in_the_manifest(twin):
    text = (Path(twin.folder) / "manifest.json").read_text()
    assert str(twin.folder.parent) not in text
