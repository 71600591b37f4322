#!/bin/sh
# Written by `swe-sleep hook install`, removed by `swe-sleep hook uninstall`.
#
# Git's hooks call it as `sh hook NAME`. It adds a line to the queue and, where nothing is at work
# on this work tree, starts a pass of lowest priority. It must not fail, print or wait: until the
# start it uses what a shell has built in, and one `date`. The other half of the protocol, with
# the reasons, is in swe_sleep/integrations/queue.py.
python=@PYTHON@
state=${0%/*}

# Whether process $1 runs and is the one that started at $2 (clock ticks since boot; "" or "-"
# where that is not known).
alive() {
    case $1 in '' | 0* | *[!0-9]*) return 1 ;; esac
    if [ -r "/proc/$1/stat" ]; then
        read -r stat <"/proc/$1/stat" || return 1
        wanted=$2
        # The name, in brackets, may hold anything; after it come state, parent, ...
        set -- ${stat##*) }
        case $1 in Z | X) return 1 ;; esac
        case $wanted in '' | - | "${20}") return 0 ;; esac
        return 1
    fi
    [ ! -d /proc/self ] && kill -0 "$1"
}

passing() {
    [ -f "$state/pass.pid" ] || return 1
    pid='' started=''
    read -r pid started <"$state/pass.pid"
    alive "$pid" "$started"
}

watched() {
    [ -f "$state/watch.pid" ] || return 1
    while read -r pid started root; do
        case $root in '' | "$PWD") alive "$pid" "$started" && return 0 ;; esac
    done <"$state/watch.pid"
    return 1
}

# Take the marker: noclobber makes the file or fails, at once for all.
mark() {
    ticks=-
    if [ -r "/proc/$$/stat" ] && read -r stat <"/proc/$$/stat"; then
        set -- ${stat##*) }
        ticks=${20}
    fi
    set -C
    printf '%s %s\n' "$$" "$ticks" >"$state/pass.pid" && return 0
    set +C
    [ -s "$state/pass.pid" ] || sleep 1 # its owner may be about to write it
    passing && return 1
    mv "$state/pass.pid" "$state/pass.$$" || return 1
    read -r pid started <"$state/pass.$$"
    if alive "$pid" "$started"; then # another was faster, and this is its marker
        ln "$state/pass.$$" "$state/pass.pid"
        rm -f "$state/pass.$$"
        return 1
    fi
    rm -f "$state/pass.$$"
    set -C
    printf '%s %s\n' "$$" "$ticks" >"$state/pass.pid"
}

if [ "$1" != --start ]; then
    exec 2>/dev/null
    [ -x "$python" ] || exit 0
    cd -P .
    printf '%s %s %s\n' "$(date +%s)" "$1" "$PWD" >>"$state/queue" || exit 0
    if watched || passing; then exit 0; fi
    session=nohup
    if command -v setsid >/dev/null; then session=setsid; fi
    $session nice -n 19 sh "$0" --start "$PWD" </dev/null >/dev/null \
        3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    exit 0
fi

cd "$state" || exit 0
state=.
mark || exit 0
set +C
# What git set for its hook would lead the pass astray; who the person is, and where the
# settings are, may stay.
for name in $(env | sed -n 's/^\(GIT_[A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
    GIT_CONFIG_GLOBAL | GIT_CONFIG_SYSTEM | GIT_CONFIG_NOSYSTEM | GIT_CEILING_DIRECTORIES) ;;
    *) unset "$name" ;;
    esac
done
unset PYTHONPATH PYTHONHOME
[ -d hook.log ] || printf '' >hook.log || exit 0
# -P: a folder of the repository that has a module's name must not be taken for the module.
exec "$python" -P -m swe_sleep -C "$2" sleep --queued >>hook.log 2>&1
