"""The page of `s2jax stats --html`: whole in one file, of the right series, refused in time."""

import html.parser
import re
import sys

import numpy as np
import pytest

from s2jax import cli
from s2jax.cli import _page, _stats, _svg

OURS, THEIRS = "a<b>&'.npy", "real.npy"
NEW = 15  # rows of theirs from here on are of a kind that ours lack
EMPTY = {"meta", "br", "path"}


class Reader(html.parser.HTMLParser):
    """Tags, attributes and text of a page; a tag that is not closed fails."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], set(), [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def part(page: str, title: str) -> str:
    """What stands below a title, up to the next one."""
    _, below = page.split(f"{title}</h", 1)
    return re.split(r"<h[23]>", below)[0]


def rows_in(text: str) -> list[int]:
    return [int(row) for row in re.findall(r"<b>row (\d+)</b>", text)]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Noise beside noise and walks, where plotting libraries are not installed."""
    folder = tmp_path_factory.mktemp("page")
    noise, other = np.random.default_rng(0).normal(size=(2, 30, 240))
    noise[3, 50:60] = np.nan
    np.save(folder / OURS, noise)
    np.save(folder / THEIRS, np.concatenate([other[:NEW], other[NEW:].cumsum(1)]))
    out = folder / "page.html"
    out.write_text("an older one")
    words = ["stats", str(folder / OURS), "--against", str(folder / THEIRS), "--html", str(out)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        assert cli.main(words) == cli.OK
    assert {path.name for path in folder.iterdir()} == {OURS, THEIRS, "page.html"}
    return out.read_text()


def test_it_is_whole_and_needs_nothing_else(page):
    read = Reader(page)
    assert not {"script", "link", "img", "iframe", "object", "use"} & set(read.tags)
    assert not {"src", "href", "onload", "style"} & read.attributes
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in page
    assert len(page) < 500_000
    assert "a<b>" not in page
    assert OURS in "".join(read.texts)


def test_it_has_what_the_terminal_has(page):
    numbers = part(page, "In numbers")
    for word in ("skill_many", "duplicates", "30 of 240", "energy_distance", "its two halves"):
        assert word in numbers
    safe = html.escape(OURS)
    for title in (f"Typical series of {safe}", f"Extreme series of {safe}"):
        assert len(set(rows_in(part(page, title)))) == 9
    typical = part(page, f"Typical series of {THEIRS}")
    assert sum(map(int, re.findall(r"stands for (\d+)%", typical))) == pytest.approx(100, abs=5)
    assert part(page, f"{safe} beside {THEIRS}").count("<svg") == 4
    assert "numpy.load(" in typical


def test_it_shows_what_is_not_covered(page):
    safe = html.escape(OURS)
    lacking = part(page, f"What {THEIRS} has and {safe} lacks")
    (found,) = re.findall(r"<p>(\d+) of 30 series", lacking)
    assert 13 <= int(found) <= 17
    rows = rows_in(lacking)
    assert len(rows) == 9
    assert sum(row >= NEW for row in rows) >= 8


def test_one_that_cannot_be_written_is_refused_first(tmp_path, capsys, monkeypatch):
    for name in ("draw_rows", "read_rows"):
        monkeypatch.setattr(_stats, name, None)
    for out, said in (
        (tmp_path, f"--html {tmp_path}: must be a file, and is a folder. Pass a name in it"),
        (tmp_path / "no" / "a.html", f"must be in a folder that is there, and {tmp_path}/no is"),
    ):
        assert cli.main(["stats", "--preset", "s2", "--html", str(out)]) == cli.USAGE
        assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_lines_are_broken_and_short():
    gap = np.array([0, 1, np.nan, np.inf, 2, 1.0])
    assert _svg.draw_series(gap, "a").count("M") == 2
    assert "M4 150h0L" in _svg.draw_series(np.full(5, 3.0), "a")  # in the middle
    values = np.zeros(4096)
    values[[1000, 3001]] = 5, -5
    drawn = re.findall(r"(\d+) (\d+)", _svg.draw_series(values, "a").split(' d="')[1])
    heights = [int(height) for _, height in drawn]
    assert len(heights) == 1024
    assert (min(heights), max(heights)) == (6, 294)  # narrow peaks are there


def test_ticks_are_round():
    for low, high in ((0, 0.3), (-7.2, 4.4), (0.029, 0.031), (-1e6, 3), (1000.0, 1000.5)):
        ticks = _svg._find_ticks(low, high)
        assert 2 <= len(ticks) <= 8
        assert all(low <= tick <= high for tick in ticks)
    same = np.full((3, 2), 1e6)
    assert "nan" not in _svg.draw_map([same, same], ("x", "y"))


def test_medoids_stand_for_their_groups():
    random = np.random.default_rng(1)
    points = np.concatenate([random.normal(at, 0.05, (size, 3)) for at, size in ((0, 90), (2, 10))])
    chosen = _page._choose_medoids(points, random)
    shares = [int(note.split()[2][:-1]) for note in chosen.notes]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=5)
    assert 0 < sum(point >= 90 for point in chosen.points) < 9
    assert sorted(_page._choose_medoids(points[:2], random).points) == [0, 1]
