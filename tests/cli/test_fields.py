"""The page of fields is the one that the program prints."""

from pathlib import Path

from lru_tune.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "fields.md"


def test_the_page_is_what_the_command_prints(capsys, request):
    assert main(["fields"]) == 0
    printed = capsys.readouterr().out
    if request.config.getoption("--update-golden"):
        PAGE.write_text(printed)
    assert printed == PAGE.read_text(), "renew it: lru-tune fields > docs/fields.md"
