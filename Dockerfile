# One image for web, worker, beat and migrations; which one it is, is the command (docker-compose.yml).
FROM python:3.11-slim AS build
WORKDIR /portal
COPY requirements.lock pyproject.toml README.md ./
RUN pip install --no-cache-dir uv && python -m venv /opt/venv
COPY manage.py ./
COPY privacy_portal privacy_portal
COPY apps apps
# Without the embedded servers and the test tools: pinned all the same.
RUN uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python --constraints requirements.lock --editable .
COPY templates templates
COPY static static
COPY locale locale
ENV PATH=/opt/venv/bin:$PATH STATIC_ROOT=/portal/static-built
RUN python -m privacy_portal.translations compile && python manage.py collectstatic --noinput -v0

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 STATIC_ROOT=/portal/static-built PORTAL_STATE_DIR=/var/lib/portal
RUN useradd --system --uid 10001 --home-dir /var/lib/portal --create-home portal
COPY --from=build /opt/venv /opt/venv
COPY --from=build /portal /portal
WORKDIR /portal
USER portal
VOLUME /var/lib/portal
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", "privacy_portal.wsgi:application"]
