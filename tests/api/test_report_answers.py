"""In which format a report goes out."""

import pytest

from api.report_answers import ReportFormatNotAcceptable, accepted


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV", "csv"),
        ("text/*", "csv"),
        ("application/vnd.apache.parquet", "parquet"),
        ("application/*", "json"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("application/json;q=0.5, text/csv;q=0.9", "csv"),
        ("application/json;q=0, */*", "csv"),
        ("text/csv;q=much, application/json;q=0.1", "json"),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(accept: str, format: str) -> None:
    assert accepted(accept) == format


@pytest.mark.parametrize("accept", ["text/html", "", "application/json;q=0", "image/*"])
def test_another_format_is_refused(accept: str) -> None:
    with pytest.raises(ReportFormatNotAcceptable):
        accepted(accept)
