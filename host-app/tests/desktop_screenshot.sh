#!/usr/bin/env bash
# Opens the real window under Xvfb, drives it as a person would, takes pictures, and fails when one of them is blank or
# when an interaction changes nothing that can be seen. With GOLDEN=FOLDER the pictures are compared with the blessed
# ones there too; RR_BLESS=1 replaces those.
#
#   host-app/tests/desktop_screenshot.sh RRHOST OUT_DIR [FILES...]
#
# Needs Xvfb, xdotool, and import, compare, convert of ImageMagick (apt: xvfb xdotool imagemagick mesa-vulkan-drivers).
# SIZE=1440x900 and THEME=dark|light may be set.
set -euo pipefail

rrhost=$1 out=$2
shift 2
size=${SIZE:-1440x900}
theme=${THEME:-dark}
width=${size%x*} height=${size#*x}
mkdir -p "$out"
work=$(mktemp -d)
xvfb_pid='' host_pid=''
cleanup() {
  [ -z "$host_pid" ] || kill "$host_pid" 2>/dev/null || true
  [ -z "$host_pid" ] || wait "$host_pid" 2>/dev/null || true
  [ -z "$xvfb_pid" ] || kill "$xvfb_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

for tool in Xvfb xdotool import compare convert; do
  command -v "$tool" >/dev/null || { echo "desktop_screenshot: $tool is missing (apt: xvfb xdotool imagemagick)" >&2; exit 2; }
done

mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 "${size}x24" -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
xvfb_pid=$!
read -r number <"$work/display"
export DISPLAY=":$number"
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
export USER=Engineer
export XDG_STATE_HOME="$work/state" XDG_RUNTIME_DIR="$work/run" XDG_CONFIG_HOME="$work/config" XDG_CACHE_HOME="$work/cache"
mkdir -p "$XDG_RUNTIME_DIR" "$XDG_CONFIG_HOME/remote-render" "$XDG_CACHE_HOME"
chmod 700 "$XDG_RUNTIME_DIR"
cat >"$XDG_CONFIG_HOME/remote-render/desktop.json" <<JSON
{ "theme": "$theme", "window": [$width, $height] }
JSON

"$rrhost" "$@" 2>"$out/rrhost.log" &
host_pid=$!

window=''
for _ in $(seq 1 300); do
  kill -0 "$host_pid" 2>/dev/null || { echo "desktop_screenshot: rrhost ended early:" >&2; cat "$out/rrhost.log" >&2; exit 1; }
  window=$(xdotool search --onlyvisible --name 'Remote Render' 2>/dev/null | head -n 1 || true)
  [ -z "$window" ] || break
  sleep 0.1
done
[ -n "$window" ] || { echo "desktop_screenshot: no window appeared" >&2; exit 1; }
xdotool windowmove "$window" 0 0 windowsize "$window" "$width" "$height" || true
xdotool windowfocus "$window" 2>/dev/null || true

# A picture counts when two in a row are the same but for the flow along the connections: then nothing is on its way.
shoot() {
  local name=$1 previous="$work/previous.png"
  rm -f "$previous"
  for _ in $(seq 1 60); do
    import -silent -window root "$work/now.png"
    convert "$work/now.png" -scale 12.5% "$work/small.png"
    if [ -f "$previous" ] && [ "$(differing "$previous" "$work/small.png" 10%)" -lt 60 ]; then break; fi
    mv "$work/small.png" "$previous"
    sleep 0.7
  done
  cp "$work/now.png" "$out/$name.png"
  local colours
  colours=$(convert "$out/$name.png" -format '%k' info:)
  if [ "$colours" -lt 50 ]; then
    echo "desktop_screenshot: $name.png is blank ($colours colours)" >&2
    exit 1
  fi
  echo "$out/$name.png ($colours colours)"
}
differing() {
  local count
  # Large counts come as 1.2e+06, and newer versions add a share in brackets. The exit code says "different".
  count=$(compare -metric AE -fuzz "${3:-3%}" "$1" "$2" null: 2>&1 || true)
  printf '%.0f\n' "${count%% *}"
}
must_differ() {
  local count
  count=$(differing "$out/$1.png" "$out/$2.png")
  if [ "$count" -lt "$3" ]; then
    echo "desktop_screenshot: $1 and $2 differ in $count pixels only: $4" >&2
    exit 1
  fi
}
# Panels hold nothing but text and icons in bundled fonts: they must match to a few pixels. The 3D picture has lines that
# flow, and the status bar names the adapter: the first is compared coarsely, the second not at all.
compare_with_blessed() {
  local name=$1 golden="$GOLDEN/$theme-$1.png" part count
  if [ -n "${RR_BLESS:-}" ]; then
    mkdir -p "$GOLDEN"
    convert "$out/$name.png" -strip -define png:compression-level=9 "$golden"
    return
  fi
  [ -f "$golden" ] || { echo "desktop_screenshot: $golden is missing; RR_BLESS=1 makes it" >&2; exit 1; }
  local panels=("${width}x44+0+0" "264x$((height - 72))+0+44" "316x$((height - 72))+$((width - 316))+44")
  for part in "${panels[@]}"; do
    convert "$out/$name.png" -crop "$part" +repage "$work/a.png"
    convert "$golden" -crop "$part" +repage "$work/b.png"
    count=$(differing "$work/a.png" "$work/b.png" 12%)
    if [ "$count" -gt 120 ]; then
      echo "desktop_screenshot: $name.png differs from $golden in $count pixels of the panel $part" >&2
      exit 1
    fi
  done
  part="$((width - 580))x$((height - 72))+264+44"
  convert "$out/$name.png" -crop "$part" +repage -scale 12.5% "$work/a.png"
  convert "$golden" -crop "$part" +repage -scale 12.5% "$work/b.png"
  count=$(differing "$work/a.png" "$work/b.png" 10%)
  if [ "$count" -gt 300 ]; then
    echo "desktop_screenshot: the 3D picture of $name.png differs from $golden in $count of 11,000 blocks" >&2
    exit 1
  fi
}
centre_x=$(((264 + width - 316) / 2)) centre_y=$(((44 + height - 28) / 2))

sleep "${SETTLE:-6}"
# A window that is resized over and over while pictures are drawn goes on, and looks as before.
for step in 7 6 5 4 3 2 1 0; do
  xdotool windowsize "$window" $((width - 60 * step)) $((height - 40 * step)) sleep 0.15
done
shoot start
# Slowly: on the software renderer a frame may take a third of a second.
xdotool mousemove "$centre_x" "$centre_y" sleep 0.6 mousedown 1 sleep 0.6 \
  mousemove_relative 40 10 sleep 0.6 mousemove_relative 40 10 sleep 0.6 mousemove_relative 40 10 sleep 0.6 mouseup 1
shoot orbited
must_differ start orbited 2000 "dragging in the picture does not orbit"
xdotool key ctrl+a
shoot selected
must_differ orbited selected 500 "selecting everything shows nothing"
xdotool key Escape key f
xdotool key ctrl+l
shoot share
must_differ selected share 1000 "the share page does not open"
xdotool key F1
shoot help
must_differ share help 1000 "the help does not open"
xdotool key Escape

if grep -E 'ERROR|panicked' "$out/rrhost.log"; then
  echo "desktop_screenshot: the log above has errors" >&2
  exit 1
fi
if [ -n "${GOLDEN:-}" ]; then
  compare_with_blessed start
  compare_with_blessed share
  compare_with_blessed help
fi

kill -TERM "$host_pid"
code=0
wait "$host_pid" || code=$?
host_pid=''
[ "$code" -eq 0 ] || { echo "desktop_screenshot: rrhost ended with $code after SIGTERM" >&2; exit 1; }
[ -s "$XDG_CONFIG_HOME/remote-render/desktop.json" ] || { echo "desktop_screenshot: settings were not kept" >&2; exit 1; }
echo "desktop_screenshot: all good"
