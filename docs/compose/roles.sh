#!/bin/sh
# Run once by the image of PostgreSQL on an empty volume: the role that web and worker sign in with. It owns nothing.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$DATABASE_APP_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE portal_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
SQL
