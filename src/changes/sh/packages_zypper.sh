# zypper: openSUSE and SUSE Linux Enterprise. What is installed is rpm's matter, as with dnf. zypper gives up at once
# where another one works, unless ZYPP_LOCK_TIMEOUT says how many seconds to wait (zypper(8), "Environment").
zypper_list() { dnf_list; }
zypper_has() { dnf_has "$1"; }
zypper_mend() { :; }
zypper_needed_by() { dnf_needed_by "$@"; }
zypper_holder() { :; }
zypper_line() { case $1 in *"Installing: "*|*"Retrieving: "*|"System management is locked"*) say "$1" ;; esac; }
quiet_zypper() { ZYPP_LOCK_TIMEOUT=300; export ZYPP_LOCK_TIMEOUT; manage zypper --non-interactive "$@"; }
zypper_install() { quiet_zypper install --no-recommends "$@"; return 0; }
zypper_remove() { quiet_zypper remove --no-clean-deps "$@"; }

# `name.arch=0:version-release` is `name.arch=version-release` to zypper.
zypper_older() {
    for pair; do
        version=${pair#*=}
        set -- "$@" "${pair%%=*}=${version#0:}"
        shift
    done
    quiet_zypper install --oldpackage --no-recommends "$@"
}

zypper_files() { dnf_files "$@"; }
zypper_note() { :; }
zypper_renote() { :; }
