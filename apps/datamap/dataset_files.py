"""Reading dataset files: YAML with the line of every key and value, so that an error can say where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from apps.datamap.problems import Place, Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_NODES = 100_000  # aliases can make a small file endless


@dataclass
class Document:
    """One dataset as plain values, with the line of each place in it. Datasets in code have no lines."""

    file: str
    value: Any
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest place around it that is written down."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)

    def report(self, place: Place, message: str, suggestion: str = "", where: str = "") -> None:
        self.problems.append(Problem(self.file, self.line(place), where or self.words(place), message, suggestion))

    def words(self, place: Place) -> str:
        """The place as people say it: names of collections and fields instead of their positions."""
        words, value = [], self.value
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
            if not isinstance(step, int):
                words.append(str(step))
            elif isinstance(value, dict) and value.get("name"):
                words[-1:] = [str(value["name"])]
            else:
                words.append(str(step))
        return ".".join(word for word in words if word not in ("collections", "fields"))


class _Reader:
    """Turns YAML nodes into values and remembers where each one stood. No tag makes an object: only plain values."""

    def __init__(self, file: str) -> None:
        self.document = Document(file, None)
        self.nodes = 0
        self.values = yaml.SafeLoader("")

    def read(self, node: yaml.Node, place: Place) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise yaml.YAMLError(f"the file unfolds to more than {MAX_NODES} values")
        self.document.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self.items(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*place, number)) for number, item in enumerate(node.value)]
        return self.values.construct_object(node)

    def items(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen = set()
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*place, key)
            self.document.lines[here] = key_node.start_mark.line + 1
            if key in seen:
                self.document.report(here, f"“{key}” stands here twice")
            seen.add(key)
            yield key, self.read(value_node, here)


def read_file(path: str | Path) -> list[Document]:
    """The datasets of one file: a list under `dataset:` (fideslang's form) or one dataset alone."""
    name = str(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        return [_broken(name, 0, f"cannot be read: {error.strerror or error}")]
    if len(content) > MAX_BYTES:
        return [_broken(name, 0, f"is larger than {MAX_BYTES // 1024 // 1024} MB")]
    reader = _Reader(name)
    try:
        node = yaml.compose(content.decode(), Loader=yaml.SafeLoader)
        value = reader.read(node, ()) if node else None
    except UnicodeDecodeError:
        return [_broken(name, 0, "is not UTF-8")]
    except RecursionError:
        return [_broken(name, 0, "is nested too deeply")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return [_broken(name, line, f"is not YAML: {error.problem}")]
    except (yaml.YAMLError, ValueError) as error:
        return [_broken(name, 0, f"is not YAML: {error}")]
    return _datasets(reader.document, value)


def _datasets(whole: Document, value: Any) -> list[Document]:
    if isinstance(value, dict) and "fides_key" in value:
        whole.value = value
        return [whole]
    if not isinstance(value, dict) or not isinstance(value.get("dataset"), list) or not value["dataset"]:
        return [_broken(whole.file, 1, "holds no dataset: expected a list under “dataset:”")]
    documents = []
    for number, one in enumerate(value["dataset"]):
        prefix = ("dataset", number)
        lines = {place[2:]: line for place, line in whole.lines.items() if place[:2] == prefix}
        documents.append(Document(whole.file, one, lines))
    whole.value = value
    for key in value.keys() - {"dataset"}:
        whole.report((key,), f"unknown key “{key}”", "dataset")
    documents[0].problems += whole.problems
    return documents


def _broken(file: str, line: int, message: str) -> Document:
    return Document(file, None, problems=[Problem(file, line, "", message)])
