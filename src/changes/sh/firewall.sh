# do_firewall FIREWALL PLACE MARK ADDRESSES…: rules by which a firewall that stands on the node lets in everything from these
# addresses. It is switched neither on nor off, and its other rules stay. What each one does in its own way stands in
# firewalls.sh, in functions of these names with the firewall's before them:
#   there             whether it has that place (still)      files   where it keeps its rules over a reboot
#   allow ADDRESSES   rules of ours for these and no others
do_firewall() {
    firewall=$1 place=$2 mark=$3; shift 3
    if ! find_entry "$(firewall_key)"; then
        new_entry "$(firewall_key)" "the rule of $firewall" root || return 1
        note_firewall "$draft" && keep_rule_files "$draft" || return 1
        commit_entry || return 1
    fi
    { [ ! -e "$entry/done" ] || rm -f "$entry/done"; } && printf '%s\n' "$@" >> "$entry/ever" &&
        printf '%s\n' "$@" > "$entry/addresses.new" && mv -f "$entry/addresses.new" "$entry/addresses" || { unwritable; return 1; }
    "${firewall}_allow" "$@" || return 1
    rule_file_sums > "$entry/after" || return 1
    finish_entry
}

undo_firewall() {
    entry=$1
    firewall_of "$1"
    # What is gone took its rules along.
    "${firewall}_there" || return 0
    untouched=no
    if [ -f "$1/after" ] && [ "$(rule_file_sums)" = "$(cat "$1/after")" ]; then untouched=yes; fi
    "${firewall}_allow" || return 1
    [ "$untouched" = no ] || give_back_rule_files "$1"
}

firewall_key() { printf 'firewall %s' "$firewall${place:+ $place}"; }
note_firewall() { printf '%s' "$firewall" > "$1/firewall" && printf '%s' "$place" > "$1/place" && printf '%s' "$mark" > "$1/mark"; }
firewall_of() { firewall=$(cat "$1/firewall") place=$(cat "$1/place") mark=$(cat "$1/mark"); }

# Under guard: what mpiup had let in before, which carry_out brings back.
note_guarded_rules() {
    note_firewall "$1" || return 1
    if find_entry "$(firewall_key)" && [ -f "$entry/addresses" ]; then cp "$entry/addresses" "$1/addresses"; fi
}
give_back_rules() {
    firewall_of "$1"
    "${firewall}_there" || return 0
    has_rules=no; find_entry "$(firewall_key)" && has_rules=yes
    # shellcheck disable=SC2046
    if [ -s "$1/addresses" ] || [ "$has_rules" = no ]; then "${firewall}_allow" $(cat "$1/addresses" 2>/dev/null)
    else undo_firewall "$entry"; fi
}

# Files of rules as they were, to the byte: they are given back where nobody but the firewall for us wrote them since.
keep_rule_files() {
    mkdir "$1/files" && for file in $("${firewall}_files"); do
        [ ! -f "$file" ] || cp -a "$file" "$1/files/" || return 1
    done
}
rule_file_sums() { for file in $("${firewall}_files"); do if [ -f "$file" ]; then sum "$file"; else printf none; fi; echo; done; }
give_back_rule_files() {
    for file in $("${firewall}_files"); do
        kept_file=$1/files/${file##*/}
        if [ -f "$kept_file" ]; then cp -a "$kept_file" "$file.mpiup" && mv -f "$file.mpiup" "$file" || return 1
        else rm -f "$file"; fi
    done
}
