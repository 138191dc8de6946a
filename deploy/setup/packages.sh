# Sourced by ./run and ./test: Debian packages that the system is made of.
#
#   need_package postgresql-15 '/usr/lib/postgresql/*/bin/postgres'     # package, file that shows it is there
#   install_needed_packages
#
# The servers' programs are wanted, not the system services that Debian would start with them: those are kept from starting
# while the packages are installed, and from starting at boot afterwards. Services that were there before are left alone.

needed_packages=()

need_package() {
  compgen -G "$2" > /dev/null || needed_packages+=("$1")
}

install_needed_packages() {
  [ ${#needed_packages[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "These Debian packages are missing. Install them, then start again:" >&2
    echo "  sudo apt-get install --no-install-recommends ${needed_packages[*]}" >&2
    return 1
  fi
  command -v apt-get > /dev/null || { echo "Missing, and there is no apt-get: ${needed_packages[*]}" >&2; return 1; }
  echo "Installing ${needed_packages[*]} …"
  local log
  log=$(mktemp)
  if ! ( _install_quietly "${needed_packages[@]}" ) > "$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "Installing ${needed_packages[*]} failed." >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
  needed_packages=()
}

# In a subshell: its trap undoes the policy file however it ends. (set -e has no effect below an `if`.)
_install_quietly() {
  export DEBIAN_FRONTEND=noninteractive
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy" || exit 1
  fi

  local package
  for package in "$@"; do
    apt-cache show "$package" > /dev/null 2>&1 || { apt-get update || exit 1; break; }
  done
  if [[ " $* " == *" postgresql-"* ]] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    _apt_install postgresql-common || exit 1
    sed -i 's/^#* *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  fi
  _apt_install "$@" || exit 1

  if command -v systemctl > /dev/null; then
    for package in "$@"; do
      case "$package" in
        postgresql-*) systemctl disable postgresql || true ;;
        rabbitmq-server) systemctl disable rabbitmq-server epmd.socket || true ;;
        munge | slurmctld | slurmd | slurmdbd | slurmrestd) systemctl disable "$package" || true ;;
      esac
    done
  fi
}

# Package lists may be older than the mirror: a second attempt with fresh ones.
_apt_install() {
  apt-get install -y --no-install-recommends "$@" || { apt-get update && apt-get install -y --no-install-recommends "$@"; }
}
