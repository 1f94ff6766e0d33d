"""What the domain refuses: a code for machines and the log, a message for the person who asked."""


class DomainError(Exception):
    """A rule of the domain says no. `code` is stable (dotted); `message` is translated and safe to show."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(str(message))
        self.code = code
        self.message = message


class InvalidInput(DomainError):
    """What somebody typed can't be used. `field` names the place, so that the message can stand beside it."""

    def __init__(self, field: str, message: str, *, code: str = "invalid") -> None:
        super().__init__(code, message)
        self.field = field
