# Sourced by ./run, ./hpcb and ./test: the .NET SDK, and builds that say nothing unless they fail.

require_dotnet() {
  if ! command -v dotnet > /dev/null; then
    echo "The .NET SDK 10 is missing: https://dotnet.microsoft.com/download" >&2
    return 1
  fi
  if ! dotnet --list-sdks | grep -q '^1[0-9]\.'; then
    echo "The .NET SDK 10 is needed; found: $(dotnet --list-sdks | cut -d' ' -f1 | paste -sd' ')" >&2
    return 1
  fi
}

# build_quietly WORDS ARGUMENTS-OF-DOTNET…
build_quietly() {
  local words=$1 log
  shift
  log=$(mktemp)
  printf '%s' "$words … "
  if ! DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 dotnet "$@" > "$log" 2>&1; then
    echo "failed."
    grep -E '(error|warn)' "$log" | sort -u >&2 || tail -n 30 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  echo "done."
}
