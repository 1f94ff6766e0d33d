"""`manage.py` in another terminal meets what `make run` started: addresses, and that it is a sample installation."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_file_of_the_running_servers_is_read_before_anything_is_decided_by_it(tmp_path):
    (tmp_path / "servers.env").write_text("DATABASE_URL=postgres:///elsewhere\nDEMO=1\n")
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DEMO")}
    environment |= {"PORTAL_STATE_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "privacy_portal.settings"}
    told = "from django.conf import settings; print(settings.DEMO, settings.DATABASES['default']['NAME'])"
    run = subprocess.run(
        [sys.executable, "-c", told], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["True", "elsewhere"]
