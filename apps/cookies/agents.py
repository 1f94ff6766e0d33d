"""A browser in a few coarse words for the proof of a choice: family and system, never a version (B9)."""

FAMILIES = (("Edg", "Edge"), ("OPR", "Opera"), ("SamsungBrowser", "Samsung"), ("Firefox", "Firefox"),
            ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
SYSTEMS = (("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"),
           ("Mac OS", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
OTHER = "other"


def coarse(user_agent: str) -> str:
    """ "Firefox, Linux"; "other, other" for what is not known."""
    family = next((name for mark, name in FAMILIES if f"{mark}/" in user_agent), OTHER)
    system = next((name for mark, name in SYSTEMS if mark in user_agent), OTHER)
    return f"{family}, {system}"
