# What could lock somebody out (sshd's configuration; keys and start-up files of the account that mpiup logs in as; a firewall's
# rules) is guarded by a dead man's switch: a process of its own on the node, which takes the change back within 30 s unless a new
# log-in has got through and says so. By hand that is: log in anew and type `ln -s confirmed STATE/guard/decision`.
#
# STATE/guard is there while a change is guarded. In it `decision` is a link, so that it is made once, whoever comes first:
#   confirmed  a new log-in got through   refused  it did not, or sshd must not be told   late  nobody said anything in time
# The switch alone carries the decision out; `ended` stands once it has.
#
# STATE/unconfirmed is what it took back because nobody said anything: who was there to be told had gone by then, so the next
# command tells it. `make` or `undo`, and the key; gone when the same is confirmed.
mpiup_patience=25 guard_more=0

# guarded HOW PRIMITIVE ARGUMENTS…: makes a change under guard. HOW: `sshd` (which is to read its configuration anew), `login`
# or `firewall`.
guarded() {
    guard_how=$1; shift
    case $1 in
    do_block) guard_path=$(real "$2") guard_owner=$6 ;;
    # Each address takes its time.
    do_firewall) firewall=$2 place=$3 mark=$4 guard_path="the rule of $2" guard_owner=root guard_more=$((4 * ($# - 4))) ;;
    *) guard_path=$2 guard_owner=$4 ;;
    esac
    guard_key="${1#do_} $guard_path"
    [ "$1" != do_firewall ] || guard_key=$(firewall_key)
    arm make || return 1
    if ! "$@"; then refuse; decided; return 1; fi
    if takes_effect && printf '%s\n' "$guard_how" > "$entry/guard"; then ask; else refuse; fi
    decided || fail "$guard_path was taken back: $guard_why"
}

# undo_guarded UNDO ENTRY: takes a change back, under guard where it was made so. It stays where a log-in depends on it.
undo_guarded() {
    [ -f "$2/guard" ] || { "$1" "$2"; return; }
    guard_how=$(cat "$2/guard") guard_key=$(cat "$2/key") guard_owner=$(cat "$2/owner")
    guard_path=$(cat "$2/path"; printf x); guard_path=${guard_path%x}
    if [ -f "$2/firewall" ]; then firewall_of "$2"; guard_more=$((4 * $(grep -c . "$2/addresses"))); fi
    arm undo || return 1
    if ! "$1" "$2" || [ "$mpiup_result" = kept ]; then
        refuse; decided; entry=$2
        [ "$mpiup_result" = kept ]; return
    fi
    if takes_effect; then ask; else refuse; fi
    decided || held "$guard_path stays: $guard_why"
    entry=$2
}

# Keeps what is there now, and starts the switch, which outlives this shell and its connection.
arm() {
    guard_why=
    guard=$mpiup_state/guard
    note_guard "$1" "$guard.new" && on_disk "$guard.new"/* "$guard.new" && mv "$guard.new" "$guard" && on_disk "$mpiup_state" ||
        { unwritable; return 1; }
    if guard_by_systemd; then
        watch_start
        # A unit of its own: what an ssh session started may end with it (KillUserProcesses in logind.conf(5)).
        systemd-run --quiet --collect --unit="$guard_unit-now" sh "$guard/switch" "$mpiup_state" $((mpiup_patience + guard_more)) </dev/null >/dev/null 2>&1 && return 0
    fi
    away=nohup; command -v setsid >/dev/null && away=setsid
    "$away" sh "$guard/switch" "$mpiup_state" $((mpiup_patience + guard_more)) </dev/null >/dev/null 2>&1 &
}

# Whether systemd runs this node, and we may ask it. guard_unit: what the switch is called there.
guard_by_systemd() {
    guard_unit=mpiup-guard-${mpiup_state##*/}
    case $mpiup_state in /var/lib/mpiup/*) [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] ;; *) return 1 ;; esac
}

# The switch is gone when the node starts anew in between: then this unit takes the change back, before sshd listens. Where it
# cannot be written, the next mpiup does (`settle`).
watch_start() {
    units=/etc/systemd/system
    printf '%s\n' '[Unit]' 'Description=Takes back what mpiup changed and no new log-in confirmed' DefaultDependencies=no \
        After=local-fs.target 'Before=ssh.service sshd.service ssh.socket sshd.socket' "ConditionPathExists=$guard/switch" \
        '[Service]' Type=oneshot "ExecStart=/bin/sh $guard/switch $mpiup_state 0" > "$units/$guard_unit.service" &&
        ln -sf "$units/$guard_unit.service" "$units/multi-user.target.wants/$guard_unit.service" &&
        on_disk "$units/$guard_unit.service" "$units" "$units/multi-user.target.wants" || unwatch_start
} 2>/dev/null

unwatch_start() {
    guard_by_systemd || return 0
    rm -f "/etc/systemd/system/multi-user.target.wants/$guard_unit.service" "/etc/systemd/system/$guard_unit.service"
} 2>/dev/null

# note_guard MAKE-OR-UNDO FOLDER: what the switch has to know.
note_guard() {
    (umask 077; mkdir "$2") && printf '%s\n' "$guard_key" > "$2/key" && printf '%s' "$guard_path" > "$2/path" &&
        printf '%s' "$guard_owner" > "$2/owner" && { mpiup_functions; printf 'switch "$@"\n'; } > "$2/switch" || return 1
    if [ "$guard_how" = firewall ]; then note_guarded_rules "$2" || return 1
    elif [ -e "$guard_path" ] || [ -L "$guard_path" ]; then cp -a "$guard_path" "$2/before" || return 1
    else printf '' > "$2/absent" || return 1; fi
    [ "$1" = make ] || printf '' > "$2/undo" || return 1
    if ! find_entry "$guard_key"; then printf '' > "$2/new"
    elif [ -f "$entry/done" ]; then printf '' > "$2/done"; fi
}

# Whether the change may take effect, and that it does. What only the next log-in reads needs nothing.
takes_effect() {
    [ ! -L "$guard/decision" ] || { guard_why="it took longer than $((mpiup_patience + guard_more)) s"; return 1; }
    [ "$guard_how" = sshd ] || return 0
    guard_why=$(locks_out)
    [ -z "$guard_why" ] || { guard_why="sshd was not told to read its configuration, with which no new log-in would get through: $guard_why"; return 1; }
    guard_why=$(unread "$guard_path")
    [ -z "$guard_why" ] || { guard_why="sshd was not told to read its configuration, since $guard_why"; return 1; }
    printf '' > "$guard/told" || { guard_why="its journal cannot be written"; return 1; }
    sshd_reload || { guard_why="sshd could not be told to read it"; return 1; }
}

# Asks for a new log-in; who runs this by hand sees what to type there. The empty line is for mpiup, which passes a line on
# once it sees what follows it.
ask() { printf '@ %s confirm ln -s confirmed %s\n\n' "$mpiup_index" "$guard/decision"; }

decide() { ln -s "$1" "$guard/decision" 2>/dev/null; }
refuse() { decide refused; }

# Waits until the decision is carried out; 1 unless the change was confirmed.
decided() {
    wait_for_switch $((mpiup_patience + guard_more + 15)) || { decide late; carry_out; }
    decision=$(readlink "$guard/decision")
    # A change that took longer than the switch waits was made after the switch had looked.
    [ "$decision" = confirmed ] || is_as_before || carry_out
    if [ -n "$guard_why" ]; then :
    elif [ -f "$guard/reason" ]; then guard_why="no new log-in got through: $(cat "$guard/reason")"
    else guard_why="no new log-in confirmed it within $((mpiup_patience + guard_more)) s"; fi
    forget_guard
    [ "$decision" = confirmed ]
}

is_as_before() { is_before "$guard" "$guard_path" || { [ -e "$guard/absent" ] && [ ! -e "$guard_path" ]; }; }

wait_for_switch() {
    end=$(($(seconds) + $1))
    while [ ! -e "$guard/ended" ]; do [ "$(seconds)" -lt "$end" ] || return 1; nap; done
}

forget_guard() { unwatch_start; rm -rf "$guard.gone" "$guard.new"; [ ! -d "$guard" ] || mv "$guard" "$guard.gone" && rm -rf "$guard.gone"; guard_how='' guard_more=0; }

# What an earlier run left under guard: nobody confirmed it, so it goes back, by its switch or (after a reboot) here.
settle() {
    guard=$mpiup_state/guard
    if [ -d "$guard" ] && [ ! -e "$guard/ended" ]; then
        refuse
        { switch_lives && wait_for_switch 15; } || carry_out || return 1
    fi
    forget_guard
}

switch_lives() {
    [ -f "$guard/pid" ] && read -r pid < "$guard/pid" && tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -qF "$guard/switch"
}

# The switch itself: switch STATE SECONDS.
switch() {
    mpiup_state=$1 mpiup_journal=$1/journal guard=$1/guard
    printf '%s\n' $$ > "$guard/pid"
    end=$(($(seconds) + $2))
    while [ ! -L "$guard/decision" ] && [ "$(seconds)" -lt "$end" ]; do nap; done
    decide late
    carry_out
}

# Does what was decided, as often as it is asked to: what was taken back is taken back.
carry_out() {
    [ -d "$guard" ] || return 0
    guard_path=$(cat "$guard/path"; printf x); guard_path=${guard_path%x}
    has_entry=no; find_entry "$(cat "$guard/key")" && has_entry=yes
    decision=$(readlink "$guard/decision") attempt=make
    [ ! -e "$guard/undo" ] || attempt=undo
    attempt="$attempt $(cat "$guard/key")"
    if [ "$decision" = confirmed ]; then
        [ "$attempt" != "$(cat "$mpiup_state/unconfirmed" 2>/dev/null)" ] || rm -f "$mpiup_state/unconfirmed"
        [ -e "$guard/undo" ] || [ "$has_entry" = no ] || printf '' > "$entry/done" || return 1
    else
        if [ -e "$guard/firewall" ]; then give_back_rules "$guard" || return 1
        else
            no_draft "$(cat "$guard/owner")" "$guard_path" || return 1
            give_back "$guard" "$guard_path" "$(cat "$guard/owner")" || return 1
        fi
        [ "$decision" != late ] || (umask 077; printf '%s\n' "$attempt" > "$mpiup_state/unconfirmed")
        if [ -e "$guard/told" ]; then sshd_reload; fi
        if [ "$has_entry" = yes ] && [ -e "$guard/new" ]; then drop_entry "$entry"
        elif [ "$has_entry" = yes ] && [ -e "$guard/done" ]; then printf '' > "$entry/done"; fi
    fi
    unwatch_start
    printf '' > "$guard/ended"
}

# Seconds since the node started: no clock that somebody sets.
seconds() { read -r up _ < /proc/uptime; printf '%s' "${up%.*}"; }
nap() { sleep 0.1 2>/dev/null || sleep 1; }
