"""python check_site.py FOLDER: whether every link and picture of a built site is there.

Links are followed to files and to the names within them. Nothing may be loaded from elsewhere, so
that the site works without a network.
"""

import html.parser
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(html.parser.HTMLParser):
    """The names that a page has, and what it refers to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.names, self.links, self.loaded = set(), [], []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.names |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("img", "script", "iframe", "source") and values.get("src"):
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(values["href"])


def main(folder: Path) -> int:
    pages = {file.resolve(): Page(file) for file in folder.rglob("*.html")}
    wrong, count = [], 0
    for file, page in pages.items():
        where = file.relative_to(folder.resolve())
        if where.name == "404.html":
            continue
        for target in (*page.links, *page.loaded):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.loaded and parts.scheme != "data":
                    wrong.append(f"{where}: loads {target}")
                continue
            count += 1
            found = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not found.exists():
                wrong.append(f"{where}: no {target}")
            names = pages[found].names if found in pages and parts.fragment else None
            if names is not None and unquote(parts.fragment) not in names:
                wrong.append(f"{where}: nothing is named {target}")
    print(f"{len(pages)} pages, {count} links and pictures")
    print(*wrong, sep="\n")
    return bool(wrong) or not count


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
