"""Row groups of a file that are asked for together: one request of some size, and not one each."""

from typing import Any, NamedTuple

from s2jax.corpus.remote import Ranges

REQUEST_BYTES = 2**24
"""How much is asked for at a time by who reads a file from behind an address as a whole."""
_WORTHWHILE = 0.5
"""The share of a span that must be wanted; of less, each range is asked for by itself."""


class Span(NamedTuple):
    """Row groups that lie together.

    Attributes:
        groups: Their numbers.
        start, end: Where their bytes are.
        wanted: How many of these are of columns that are read.
    """

    groups: list[int]
    start: int
    end: int
    wanted: int

    def fetch(self, stream: Ranges) -> None:
        """Let a stream hold all of it, if most is wanted."""
        if self.wanted >= _WORTHWHILE * (self.end - self.start):
            stream.hold(self.start, self.end)
        else:
            stream.release()


def spans_of(footer: Any, columns: list[str] | None) -> list[Span]:
    """The row groups of a file in spans of about `REQUEST_BYTES`.

    Args:
        footer: What pyarrow read of it.
        columns: Those that are read; None for all.
    """
    spans: list[Span] = []
    for number in range(footer.num_row_groups):
        one = _span(footer.row_group(number), number, columns)
        if spans and one.end - spans[-1].start <= REQUEST_BYTES:
            last = spans.pop()
            wanted = last.wanted + one.wanted
            one = Span([*last.groups, number], last.start, one.end, wanted)
        spans.append(one)
    return spans


def _span(group: Any, number: int, columns: list[str] | None) -> Span:
    """A row group by itself."""
    starts, ends, wanted = [], [], 0
    for place in range(group.num_columns):
        column = group.column(place)
        start = column.dictionary_page_offset or column.data_page_offset
        starts.append(start)
        ends.append(start + column.total_compressed_size)
        if columns is None or column.path_in_schema.split(".")[0] in columns:
            wanted += column.total_compressed_size
    return Span([number], min(starts), max(ends), wanted)
