# dnf 4 and 5: Fedora and Red Hat's family. dnf waits for another dnf by itself (dnf.conf(5), exit_on_lock). Keys of
# repositories, which rpm lists as packages, are no packages of ours.
dnf_list() { rpm -qa --qf 'ii %{NAME}.%{ARCH} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n' | grep -v '^ii gpg-pubkey\.' | sort; }
dnf_has() { rpm -q "$1" >/dev/null 2>&1; }
dnf_mend() { :; }

dnf_holder() { :; }
dnf_line() { case $1 in *:) ;; *Installing*|*Upgrading*|*Waiting*) say "${1#"${1%%[! ]*}"}" ;; esac; }
dnf_install() { manage dnf -y --setopt=install_weak_deps=False install "$@"; return 0; }

# rpm removes nothing that is needed, and says by whom: `libx.so()(64bit) is needed by (installed) app-1.0-1.x86_64`.
dnf_needed_by() { rpm -e --test "$@" 2>&1 | sed -n 's/.* is needed by (installed) //p'; }

# What came along has been named; what else nobody needs any more was there before, and stays.
dnf_remove() { manage dnf -y --setopt=clean_requirements_on_remove=False remove "$@"; }

# `name.arch=epoch:version-release` is `name-epoch:version-release.arch` to dnf.
dnf_older() {
    for pair; do
        name=${pair%%=*}
        set -- "$@" "${name%.*}-${pair#*=}.${name##*.}"
        shift
    done
    manage dnf -y downgrade "$@"
}

dnf_files() { rpm -ql "$@"; }
dnf_note() { :; }
dnf_renote() { :; }
