# Where Debian's packages come from: wherever this machine takes its own from. The one place that knows of mirrors;
# sourced by other scripts.
# shellcheck shell=bash

# What is asked if this machine's apt knows no archive of Debian's. PICAM_DEBIAN_MIRROR names another one.
DEBIAN_DEFAULT=http://deb.debian.org

# debian_repositories: "archive URI" and "security URI", as this machine's own apt has them; nothing on others.
debian_repositories() {
    command -v apt-get >/dev/null || return 0
    local lists uri file suite origin label release
    lists=$(apt-config shell lists Dir::State::lists/f 2>/dev/null | sed "s/^lists='\(.*\)'$/\1/")
    # What an update would fetch first: 'URI/dists/SUITE/InRelease' and the name it gets.
    apt-get update --print-uris 2>/dev/null | sed -nE "s/^'([^']+)' ([^ ]*_)?InRelease .*/\1 \2/p" |
        while read -r uri file; do
            suite=${uri#*/dists/}
            suite=${suite%/InRelease}
            origin='' label=''
            # Whose archive it is says what the last update left. Before the first, the suite's name does.
            for release in "$lists/${file}InRelease" "$lists/${file}Release"; do
                [ -r "$release" ] || continue
                origin=$(sed -n 's/^Origin: //p; /^SHA256:/q' "$release")
                label=$(sed -n 's/^Label: //p; /^SHA256:/q' "$release")
                break
            done
            case $origin/$label/$suite in
            Debian/Debian-Security/* | //*-security) echo "security ${uri%/dists/*}" ;;
            Debian/Debian/* | //bookworm | //trixie | //forky | //stable | //testing | //sid) echo "archive ${uri%/dists/*}" ;;
            esac
        done | awk '!seen[$1]++'
}

# debian_sources SUITE [TYPE] [OPTIONS]: lines for a sources.list: the suite, its updates and its security updates.
# TYPE is deb or deb-src, OPTIONS such as [signed-by=FILE].
debian_sources() {
    local suite=$1 type=${2:-deb} options=${3:+ $3} found archive security
    if [ -n "${PICAM_DEBIAN_MIRROR:-}" ]; then
        archive=$PICAM_DEBIAN_MIRROR/debian security=$PICAM_DEBIAN_MIRROR/debian-security
    else
        found=$(debian_repositories)
        archive=$(sed -n 's/^archive //p' <<<"$found")
        # A closed network may have no security updates; then none are asked for elsewhere.
        security=$(sed -n 's/^security //p' <<<"$found")
        [ -n "$archive" ] || archive=$DEBIAN_DEFAULT/debian security=$DEBIAN_DEFAULT/debian-security
    fi
    echo "$type$options $archive $suite main"
    echo "$type$options $archive $suite-updates main"
    [ -z "$security" ] || echo "$type$options $security $suite-security main"
}

# debian_backports SUITE: the line for its backports.
debian_backports() {
    debian_sources "$1" | sed -n "s/ $1 main$/ $1-backports main/p"
}

# debian_access: how this machine's apt gets through to a mirror (proxies, certificates, time limits), and where its
# passwords for mirrors are, for an apt.conf of one's own.
debian_access() {
    apt-config dump 2>/dev/null | grep -iE '^Acquire::(https?|ftp|Retries)' || true
    echo 'Dir::Etc::netrc "/etc/apt/auth.conf";'
    echo 'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";'
}
