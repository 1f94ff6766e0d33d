"""A page with a form, as somebody meets it who got something wrong."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"input", "meta", "link", "br", "hr", "img", "path", "circle"}


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    text: str = ""
    within: "Element | None" = None
    inside: list["Element"] = field(default_factory=list)

    def all(self, tag: str = "", css: str = "") -> list["Element"]:
        """Every element below, by its tag and a class of its own."""
        below = [deeper for each in self.inside for deeper in (each, *each.all())]
        classes = [(each, each.attrs.get("class", "").split()) for each in below]
        return [each for each, own in classes if tag in ("", each.tag) and (not css or css in own)]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


class Page(HTMLParser):
    """The elements of a response, found by id, tag and class."""

    def __init__(self, response) -> None:
        super().__init__()
        self.root = self._here = Element("", {})
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs}, within=self._here)
        self._here.inside.append(element)
        if tag not in VOID:
            self._here = element

    def handle_endtag(self, tag):
        if tag not in VOID:
            self._here = self._here.within or self.root

    def handle_data(self, data):
        here = self._here
        while here:
            here.text += data
            here = here.within

    def all(self, tag="", css=""):
        return self.root.all(tag, css)

    def by_id(self, name):
        return [each for each in self.all() if each.attrs.get("id") == name]

    @property
    def title(self):
        return self.all("title")[0].words

    @property
    def main(self):
        return self.all("main")[0]
