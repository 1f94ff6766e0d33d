"""How requests look to people: words, colours, what comes next, what stays and why. Reads, never writes."""

from apps.subject_requests.presentation.words import RIGHTS, Tag, part_tag, right_in_words, status_tag

__all__ = ["RIGHTS", "Tag", "part_tag", "right_in_words", "status_tag"]
