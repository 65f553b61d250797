# Debian's slim image with what the official Rust image has beside the toolchain, and the toolchain of this machine.
set -eu
apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends gcc libc6-dev
rm -rf /var/lib/apt/lists/*
mkdir /usr/local/rust
cd /mnt/toolchain
cp -R bin lib libexec /usr/local/rust
