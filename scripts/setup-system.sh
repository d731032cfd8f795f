#!/usr/bin/env bash
# Installs the Debian packages that are missing, and asks for no privilege when none is. With --tests, also what only
# tests need.
set -euo pipefail

# The sandbox and POV-Ray; ffmpeg encodes films; iproute2 builds the tests' network namespaces.
packages=(bubblewrap povray povray-includes ffmpeg iproute2)
# Blender's Python module links to these even when it draws nothing.
packages+=(libx11-6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1)
# SQLite and the cryptography are compiled from C.
command -v cc >/dev/null || packages+=(build-essential)
# Blender's module is built for one version of Python, which has to be able to make virtual environments.
has_python() {
  local python
  for python in /usr/bin/python3 python3.11 python3; do
    "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && return
  done
  return 1
}
has_python || packages+=(python3-venv)

# The browser that drives the studio, and a font for its Chinese.
test_packages=(chromium fonts-wqy-microhei)

if [[ "${1:-}" != --tests ]]; then
  test_packages=()
elif [[ -n "${CHROMIUM:-}" ]]; then
  # Another browser is named, which the tests take instead.
  test_packages=(fonts-wqy-microhei)
fi

if ! command -v dpkg-query >/dev/null; then
  echo "setup-system: this is not Debian or Ubuntu; provide what these packages hold:" \
    "${packages[*]} ${test_packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}" "${test_packages[@]}"; do
  # Releases since 2024 append t64 to libraries whose interface changed with 64-bit time.
  # dpkg-query fails when it does not know one of the two names; what it prints is what counts.
  status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" "${package}t64" 2>/dev/null || true)
  grep -qx installed <<<"$status" || missing+=("$package")
done

# Ubuntu has Chromium as a snap only: its package is empty but for a wish for snapd, or there is none. Before the first
# `apt-get update` nobody knows.
lacks_chromium() {
  local offered
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || return 1
  offered=$(apt-cache show --no-all-versions chromium 2>/dev/null) || return 0
  grep -qE '^(Pre-)?Depends:.*\bsnapd\b' <<<"$offered"
}
leave_out_chromium() {
  local package kept=()
  for package in "${missing[@]}"; do
    if [[ $package == chromium ]] && lacks_chromium; then
      echo "setup-system: this system has Chromium as a snap only, which cannot be driven from outside; the test of the" \
        "studio is skipped unless CHROMIUM names another Chromium or Chrome" >&2
    else
      kept+=("$package")
    fi
  done
  missing=("${kept[@]}")
}
leave_out_chromium
[[ ${#missing[@]} -gt 0 ]] || exit 0

privilege=()
if [[ $(id -u) -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "setup-system: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  privilege=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${privilege[@]}" apt-get update -qq
leave_out_chromium
[[ ${#missing[@]} -gt 0 ]] || exit 0
echo "Installing Debian packages: ${missing[*]}"
"${privilege[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
