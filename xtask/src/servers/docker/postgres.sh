# Debian's slim image with its PostgreSQL, started as the official image starts it.
set -eu
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends postgresql
rm -rf /var/lib/apt/lists/*
ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin
cat > /usr/local/bin/entry <<'END'
#!/bin/sh
set -eu
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install --directory --owner postgres --mode 700 "$PGDATA"
    password=$(mktemp)
    printf '%s' "$POSTGRES_PASSWORD" > "$password"
    chown postgres "$password"
    as_postgres initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$password" --auth-local trust --auth-host scram-sha-256
    rm "$password"
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | as_postgres postgres --single -D "$PGDATA" postgres
fi
exec setpriv --reuid postgres --regid postgres --init-groups postgres -D "$PGDATA" -c listen_addresses='*'
END
chmod 755 /usr/local/bin/entry
