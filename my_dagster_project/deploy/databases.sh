# Run inside the database's container, where pg_dump is of the server's own version:
#   dump NAME > file     restore NAME < file     runs NAME (how many, 0 in a new database)
set -eu
action=$1 name=$2
export PGUSER="${PGUSER:-postgres}"
case $action in
dump)
    exec pg_dump --format=custom --no-owner --no-privileges "$name"
    ;;
restore)
    # All or nothing; what is restored belongs to the service's role, which bears the database's name.
    exec pg_restore --clean --if-exists --no-owner --no-privileges --role="$name" \
        --single-transaction --exit-on-error --dbname="$name"
    ;;
runs)
    [ -n "$(psql -XAtqc "SELECT to_regclass('public.runs')" "$name")" ] || { echo 0; exit 0; }
    exec psql -XAtqc "SELECT count(*) FROM runs" "$name"
    ;;
esac
