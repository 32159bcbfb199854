#!/bin/sh
# Puts Debian 13's Swift compiler (6.0, with SwiftPM and XCTest) into a folder of its own, for the tests of the iOS app:
#   tests/apps/ios/install_swift.sh FOLDER        then POCKETFORMER_SWIFT_ROOT=FOLDER pytest -m slow tests/apps/ios
# Needs root (the tests chroot into it), apt, 600 MB of downloads and 2 GB of disk. Nothing outside FOLDER changes.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
[ -e "$folder/complete" ] && exit 0
mirror=$(sed -n 's/^URIs: *\([^ ]*\).*/\1/p; s/^deb *\(\[[^]]*\] *\)\{0,1\}\(http[^ ]*\).*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | grep debian | head -1)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
apt="$folder/apt"
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
: > "$apt/status"
echo "deb [signed-by=$keyring] ${mirror:-http://deb.debian.org/debian} trixie main" > "$apt/sources.list"
cat > "$apt/apt.conf" << EOF
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
EOF
export APT_CONFIG="$apt/apt.conf"
apt-get -q update
apt-get -q -y --no-install-recommends --download-only install \
    swiftlang libc6-dev libstdc++-14-dev libgcc-14-dev bash coreutils libc-bin

# A merged /usr first, so that the packages' files land there.
for name in bin lib lib64 sbin; do
    mkdir -p "$folder/usr/$name"
    [ -e "$folder/$name" ] || ln -s "usr/$name" "$folder/$name"
done
for package in "$apt"/archives/*.deb; do
    # Debuggers, static libraries and documents are not used here, and are half of it.
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" --keep-directory-symlink \
        --exclude='./usr/libexec/swift/lib/swift_static' --exclude='*lldb*' --exclude='*/clangd' \
        --exclude='*/libLTO*' --exclude='*sourcekit*' --exclude='./usr/share/doc' --exclude='./usr/share/man'
done
mkdir -p "$folder/proc" "$folder/dev" "$folder/tmp" "$folder/work"
chmod 1777 "$folder/tmp"
chroot "$folder" /usr/sbin/ldconfig
# Its libraries are found by /proc/self/exe.
unshare --mount sh -c 'mount --rbind /proc "$1/proc" && chroot "$1" /usr/libexec/swift/bin/swiftc --version' sh "$folder"
rm -rf "$apt/archives" "$apt/lists"
touch "$folder/complete"
