"""What a view for reports is: a statement that makes it, and a comment on each of its columns.

Both stand in an `.sql` file. Every column of the outermost `select` is written `…::type as name`, so that
its type is said and stays; its comment is `unit: words`. docs/reporting.md is written from them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

Group = Literal["money", "views"]

COMMENT: Final = re.compile(
    r"comment on (view|column) \{reporting\}\.(\w+)(?:\.(\w+))? is\n'((?:[^']|'')*)';"
)
TYPE: Final = r"::(\w+(?:\(\d+,\d+\))?) as {name}\b"


@dataclass(frozen=True)
class Column:
    """`type` as PostgreSQL calls it; `unit` is of the table in docs/reporting.md."""

    name: str
    type: str
    unit: str
    words: str


@dataclass(frozen=True)
class View:
    """In `sql`, `{reporting}`, `{read}` and `{log}` stand for schemas; what has none of these before it
    is a table of a read model.
    """

    name: str
    sql: Mapping[str, bytes]

    @property
    def create(self) -> str:
        return self.sql["view"].decode()

    @property
    def comments(self) -> str:
        return self.sql["comments"].decode()

    @cached_property
    def words(self) -> str:
        """What its rows are."""
        return next(_said(one[3]) for one in COMMENT.findall(self.comments) if one[0] == "view")

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """In the order of the view."""
        return tuple(
            Column(name, self._type(name), *_said(text).split(": ", 1))
            for kind, _, name, text in COMMENT.findall(self.comments)
            if kind == "column"
        )

    def _type(self, name: str) -> str:
        return str(re.findall(TYPE.format(name=name), self.create)[-1])


@dataclass(frozen=True)
class Report(View):
    """A view that is also answered over HTTP.

    `group`: the read models that it is made of. `by`: the column that a range of days is about, `order`: the
    columns that its rows are ordered by. `exact`: its rows know their position, so that what is read of
    the log up to a position can be shown also when the read models have gone on from there
    (`bukubesar.as_of_position`).
    """

    group: Group
    by: str
    order: tuple[str, ...]
    exact: bool = False

    @cached_property
    def dated(self) -> Column:
        """The column `by`: a `timestamptz` or a `date`, of days or of months."""
        return next(column for column in self.columns if column.name == self.by)


def _said(text: str) -> str:
    return text.replace("''", "'")
