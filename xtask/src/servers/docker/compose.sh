# Debian's next release has what this one lacks: compose as a plugin of the client.
set -eu
cd /tmp
sed 's/bookworm/trixie/' /etc/apt/sources.list > next.list
mkdir lists
from_next() {
    apt-get -o Dir::Etc::SourceList=/tmp/next.list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=/tmp/lists \
        -o APT::Sandbox::User=root --quiet "$@"
}
from_next update
from_next download docker-compose
dpkg-deb --extract docker-compose_*.deb package
cp package/usr/libexec/docker/cli-plugins/docker-compose /mnt/plugins
