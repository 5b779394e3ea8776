#!/usr/bin/env bash
# Installs what is missing on Debian 12 / Ubuntu 24.04, by name and only then: `tools/install.sh build|run|test|bench`.
set -euo pipefail

build=(build-essential pkg-config cmake nasm nodejs npm
  libocct-data-exchange-dev libocct-modeling-data-dev libocct-modeling-algorithms-dev libocct-ocaf-dev
  libocct-visualization-dev)
run=(mesa-vulkan-drivers libvulkan1 libxkbcommon0 libxkbcommon-x11-0 libwayland-client0 libx11-6 libxcursor1 libxi6
  libxrandr2)
test=(xvfb xdotool x11-utils imagemagick iproute2 ffmpeg openssl libffmpeg-nvenc-dev libopenh264-dev libx265-dev libaom-dev coturn
  curl systemd postgresql)
# An emulator of AWS, which is not in apt: into target/, unless there is one.
moto=(moto[ec2,iam,ssm,sts]==5.2.1 flask==3.1.3 flask-cors==6.0.2)
# Asks the gateway's REST interface whatever its description allows; into target/ as well.
schemathesis=(schemathesis==4.32.5)
# What ours is compared with by `make bench-stream`.
bench=(gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-nice python3 python3-gi python3-venv gir1.2-gst-plugins-base-1.0
  gir1.2-gst-plugins-bad-1.0 libx11-dev libxext-dev libxtst6)

wanted=()
case "${1:-}" in
  build) wanted=("${build[@]}") ;;
  run) wanted=("${build[@]}" "${run[@]}") ;;
  test) wanted=("${build[@]}" "${run[@]}" "${test[@]}") ;;
  bench) wanted=("${build[@]}" "${run[@]}" "${test[@]}" "${bench[@]}") ;;
  *) echo "usage: tools/install.sh build|run|test|bench" >&2; exit 2 ;;
esac

want_moto() {
  [[ "$1" = test || "$1" = bench ]] && ! command -v moto_server >/dev/null && [ ! -x target/tools/moto/bin/moto_server ]
}
want_schemathesis() {
  [[ "$1" = test || "$1" = bench ]] && [ ! -x target/tools/schemathesis/bin/schemathesis ]
}
if { want_moto "$1" || want_schemathesis "$1"; } && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then wanted+=(python3 python3-venv); fi
install_moto() {
  echo "Installing: ${moto[*]}"
  python3 -m venv target/tools/moto
  target/tools/moto/bin/pip install --quiet --disable-pip-version-check "${moto[@]}"
}
install_schemathesis() {
  echo "Installing: ${schemathesis[*]}"
  python3 -m venv target/tools/schemathesis
  target/tools/schemathesis/bin/pip install --quiet --disable-pip-version-check "${schemathesis[@]}"
}
install_python() {
  if want_moto "$1"; then install_moto; fi
  if want_schemathesis "$1"; then install_schemathesis; fi
}

# A Node.js and npm that are not from apt do as well.
have() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
missing=()
for package in "${wanted[@]}"; do
  case "$package" in
    nodejs) command -v node >/dev/null && continue ;;
    npm) command -v npm >/dev/null && continue ;;
  esac
  have "$package" || missing+=("$package")
done
# Ubuntu's chromium package is only a pointer to a snap; the tests take any Chromium that is there.
if [[ "$1" = test || "$1" = bench ]] && ! tools/chromium.sh >/dev/null 2>&1; then
  missing+=(chromium)
fi
if [ ${#missing[@]} -eq 0 ]; then
  install_python "$1"
  exit 0
fi

if ! command -v apt-get >/dev/null; then
  echo "Please install: ${missing[*]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
# Tests start a TURN server of their own; the one that the package starts is not wanted.
if [[ " ${missing[*]} " == *" coturn "* ]] && command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --quiet --now coturn 2>/dev/null || true
fi
# The same goes for a database.
if [[ " ${missing[*]} " == *" postgresql "* ]] && command -v systemctl >/dev/null; then
  "${sudo[@]}" systemctl disable --quiet --now postgresql 2>/dev/null || true
fi
install_python "$1"
