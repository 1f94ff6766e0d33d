"""The portal's face: own styles stay small, components say what they take, no template names a class in vain."""

import re

import pytest
from bootstrap_wrapper import get_bootstrap_dir

from tests.architecture.source import ROOT, files

# The banner's are for other sites, in a shadow root, and have a limit of their own (tests/cookies/test_script.py).
OWN_STYLES = [path for path in files(ROOT, "static/**/*.css") if path.parent.name != "consent"]
PAGES = [
    path
    for path in files(ROOT, "templates/**/*.html", "apps/**/templates/**/*.html")
    if not {"emails", "package"} & set(path.parts)  # mails and packages bring their own styles, or none
]
MOST_BYTES = 15_000
# What a script or a test looks for, and what only says what something is: no style hangs on it.
WITHOUT_STYLE = {"label", "progress-of"}


def defined_in(css):
    """Every class that a style sheet knows."""
    return set(re.findall(r"\.(-?[A-Za-z_][\w-]*)", re.sub(r"/\*.*?\*/|url\([^)]*\)", "", css, flags=re.S)))


def named_in(template):
    """Every class that a template writes; where it composes one, a NUL stands for what is filled in."""
    for value in re.findall(r'(?<![\w-])class="((?:{%.*?%}|{{.*?}}|[^"])*)"', template):
        fixed = re.sub(r"{{.*?}}", "\0", re.sub(r"{%.*?%}", " ", value))
        yield from (name for name in fixed.split() if name != "\0")


def is_styled(name, styles):
    head, composed, _tail = name.partition("\0")
    return any(style.startswith(head) for style in styles) if composed else name in styles


def unstyled(template, styles):
    return sorted({name.replace("\0", "…") for name in named_in(template) if not is_styled(name, styles)})


@pytest.fixture(scope="module")
def styles():
    bootstrap = (get_bootstrap_dir() / "css" / "bootstrap.min.css").read_text("utf-8")
    return defined_in(bootstrap).union(*(defined_in(path.read_text("utf-8")) for path in OWN_STYLES)) | WITHOUT_STYLE


def test_own_styles_stay_below_fifteen_kilobytes():
    assert OWN_STYLES
    assert sum(path.stat().st_size for path in OWN_STYLES) <= MOST_BYTES


@pytest.mark.parametrize("path", files(ROOT, "templates/components/**/*.html"), ids=lambda path: path.stem)
def test_a_component_begins_with_what_it_is_and_takes(path):
    first = path.read_text("utf-8").splitlines()[0]
    assert re.match(r"{% comment %}.+\b(Arguments: |Reads the context: |No arguments\.).*{% endcomment %}", first), (
        first
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_class_of_a_template_has_a_style(path, styles):
    assert unstyled(path.read_text("utf-8"), styles) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_dialog_stands_in_a_paragraph(path):
    """Browsers end the paragraph in front of it, and what belongs together falls apart."""
    paragraphs = re.findall(r"<p\b[^>]*>.*?</p>", path.read_text("utf-8"), flags=re.S)
    assert [found for found in paragraphs if "dialog" in found] == []


def test_an_exception_that_no_template_needs_is_no_exception():
    used = {name for path in PAGES for name in named_in(path.read_text("utf-8"))}
    assert used >= WITHOUT_STYLE


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('<p class="soft page-head">', ["page-head"]),
        ('<p class="{% if a == "b" %}stack{% endif %} tag-{{ tone }}">', ["stack"]),
        ('<p class="btn-{{ a|default:"b" }} lost-{{ tone }} {{ name }}">', ["lost-…"]),
        ('<p data-class="lost" class="soft">', []),
    ],
)
def test_a_leftover_is_found_out(template, found):
    assert unstyled(template, {"soft", "tag-blue", "btn-danger"}) == found
