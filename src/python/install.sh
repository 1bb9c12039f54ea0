# Makes the environment $env out of the archive on standard input. Needs sh, tar, gzip and python3; no root, no network.
# It is built in a folder beside $env and put in place by a rename, so that killed at any point it leaves either the
# environment that was there, or none, or the new one whole; never a part of one.
set -eu
LC_ALL=C
export LC_ALL
umask 022
mine=$(uname -n)
new=$env.new.$mine.$$
old=$env.old.$mine.$$

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

mkdir -p -- "$(dirname -- "$env")"
# What killed runs on this machine left: their number belongs to no process any more.
for left in "$env".new."$mine".* "$env".old."$mine".*; do
  if [ -e "$left" ] && ! [ -e "/proc/${left##*.}" ]; then rm -rf -- "$left"; fi
done
trap 'rm -rf -- "$new"' EXIT
trap 'exit 1' HUP INT TERM

mkdir -- "$new"
tar -xzof - -C "$new" || fail "The archive of the Python environment could not be unpacked into $new."
[ "$(cat "$new/.mpiup-env" 2>/dev/null)" = "$key" ] || fail "The archive of the Python environment arrived incomplete."

version=$(cd "$new/lib" && echo python3.*)
for candidate in python3 "$version" "/usr/bin/$version"; do
  # The real interpreter: not the link of a version manager, nor of another environment.
  python=$("$candidate" -I -S -c 'import os, sys
print(os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)) if "python%d.%d" % sys.version_info[:2] == sys.argv[1] else 0' "$version" 2>/dev/null) || continue
  [ -z "$python" ] || break
done
[ -n "${python:-}" ] || fail "There is no $version here, which the packages of the Python environment are made for."

# No package need have brought a program.
mkdir -p -- "$new/bin"
ln -s "$python" "$new/bin/python"
ln -s python "$new/bin/python3"
ln -s python "$new/bin/$version"
# Where nothing was asked for, the system's packages are what programs find, as they did before.
system=true
for package in "$new/lib/$version/site-packages"/*.dist-info; do [ ! -e "$package" ] || system=false; done
printf 'home = %s\ninclude-system-site-packages = %s\nversion = %s\n' "${python%/*}" "$system" "${version#python}" >"$new/pyvenv.cfg"

if [ -e "$env" ] || [ -L "$env" ]; then mv -- "$env" "$old"; fi
mv -- "$new" "$env"
rm -rf -- "$old"
