#!/usr/bin/env bash
# Writes src/bindings.gen.rs anew from NVIDIA's header, which lies in the crate that `stream/nvenc/double/Cargo.toml` names.
# Needs `bindgen` (cargo install bindgen-cli, 0.73 wrote the file) and libclang; the build needs neither.
set -euo pipefail
cd "$(dirname "$0")"
crate() { cargo metadata --format-version 1 --locked | grep -oP '"manifest_path":"\K[^"]*nvidia-video-codec-sdk-[^"/]*(?=/Cargo.toml")'; }
header="${1:-$(crate)/src/sys/headers/nvEncodeAPI.h}"
out=src/bindings.gen.rs
{
  echo "//! NVIDIA's nvEncodeAPI.h $(grep -oP 'NVENCAPI_MAJOR_VERSION \K\d+' "$header").$(grep -oP 'NVENCAPI_MINOR_VERSION \K\d+' "$header"), as bindgen translates it; written by \`generate.sh\`. Licence of the header:"
  echo "//!"
  # The comment at the head of the file.
  sed -n '2,/\*\//p' "$header" | sed '$d' | sed -E 's|^ \* ?|//! |; s| +$||'
  # Types only: the functions are found in the driver's library at run time.
  bindgen "$header" --rust-target 1.85 --rust-edition 2024 --no-doc-comments --disable-header-comment --use-core \
    --allowlist-type 'NV_ENCODE_API_FUNCTION_LIST|NV_ENC_CAPS|NV_ENC_PIC_FLAGS|NV_ENC_LEVEL' \
    --allowlist-var 'NVENC.*' --ignore-functions --with-derive-default --default-enum-style consts \
    --no-prepend-enum-name -- -isystem "$(cc -print-file-name=include)"
} > "$out"
rustfmt --edition 2024 --config-path ../../../rustfmt.toml "$out"
