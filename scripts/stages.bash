# What the demonstrations share; they read it in with `source`.

stages=""
log=$(mktemp)
trap 'rm -f "$log"' EXIT

now() { date +%s.%N; }

stage() { # stage NAME COMMAND... -> runs it, keeps its output in $log, notes its seconds
  local name=$1 start
  shift
  printf '\n== %s\n' "$name"
  start=$(now)
  "$@" | tee "$log"
  stages+=$(awk -v n="$name" -v a="$start" -v b="$(now)" 'BEGIN { printf "%-28s %8.1f s", n, b - a }')$'\n'
}

# The table of chunks that `prove` prints, each row as a line with the names of its columns; then the peak of memory.
chunks() {
  awk -F '  +' '
    { sub(/^ +/, "") }
    /^chunk  / { for (i = 1; i <= NF; i++) column[i] = $i; columns = NF; next }
    columns && NF == columns && /^[0-9]/ {
      line = "chunk " $1 ":"
      for (i = 2; i <= NF; i++) line = line (i > 2 ? "," : "") " " column[i] " " $i
      print line
    }
    /^set-up/ { sub(/.*peak/, "peak"); print }'
}

# What the demonstration of a build and a session has to say at its end; $1 is what `prove` printed.
summary() {
  printf '\n== summary\n%s' "$stages"
  chunks <<< "$1"
  echo "receipts and proofs: $session, model manifest: $build/model.json"
}
