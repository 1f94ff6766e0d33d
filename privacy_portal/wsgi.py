import os

from django.core.wsgi import get_wsgi_application

from apps.core.fast_path import Dispatcher

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privacy_portal.settings")
application = Dispatcher(get_wsgi_application())
