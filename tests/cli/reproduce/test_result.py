"""What `reproduce.py --from` says of two results."""

from lru_tune.cli.reproduce.result import differences

NOW = {
    "device": "cpu: x",
    "scan": "native",
    "threads": 2,
    "versions": {"jax": "0.10.0", "ray": "2.60.0"},
    "val/loss": 0.5,
    "val/accuracy": 0.75,
}


def test_equal_results_are_called_equal():
    lines = differences(NOW, NOW)
    assert lines == [
        "val/loss: 0.500000 then, 0.500000 now, equal",
        "val/accuracy: 0.750000 then, 0.750000 now, equal",
    ]


def test_what_an_earlier_version_did_not_record_is_said_so():
    then = {"device": "cpu: x", "versions": {"jax": "0.10.0"}, "val/accuracy": 0.5}
    assert differences(then, NOW) == [
        "scan: not recorded then, native now",
        "threads: not recorded then, 2 now",
        "ray: not recorded then, 2.60.0 now",
        "val/accuracy: 0.500000 then, 0.750000 now, difference +0.25",
    ]
