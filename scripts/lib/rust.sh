# Finds cargo; sourced by the other scripts.
# shellcheck shell=bash

# rustup installs here, and not every shell was restarted since.
if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
fi

# The oldest Rust that builds picam, as Cargo.toml says.
rust_wanted() {
    sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml
}

version_at_least() { # version_at_least HAVE WANT
    [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

rust_is_new_enough() {
    local have
    have=$(cargo --version 2>/dev/null | cut -d' ' -f2) || return 1
    [ -n "$have" ] && version_at_least "$have" "$(rust_wanted)"
}
