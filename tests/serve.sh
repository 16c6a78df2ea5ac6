#!/bin/sh
# The sample project as a service, on a private PostgreSQL; until Ctrl-C.
set -eu
dagmar=${DAGMAR:-dagmar}
listen=${LISTEN:-127.0.0.1:8080}
secret=target/serve.secret
[ -s "$secret" ] || (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' > "$secret")
printf 'Open http://%s/ in a browser, and log in with the secret in %s. Or ask it, from another terminal:\n' "$listen" "$secret"
printf '  curl http://%s/ready\n' "$listen"
printf '  curl -H "Authorization: Bearer $(cat %s)" http://%s/status\n' "$secret" "$listen"
printf '  curl -H "Authorization: Bearer $(cat %s)" -X POST http://%s/migrate\n\n' "$secret" "$listen"
exec "$dagmar" serve --env demo --secret-file "$secret" --listen "$listen"
