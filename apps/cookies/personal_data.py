"""The register is about what sites keep, never about a person; choices of visitors are events of consent."""

DATASET = {
    "fides_key": "portal_cookies",
    "name": "Cookie register",
    "collections": [],
    "meta": {
        "portal": {
            "store": "portal",
            "capacity": "controller",
            "impersonal": {"cookies_site": "*", "cookies_cookie": "*", "cookies_registerversion": "*"},
        }
    },
}
