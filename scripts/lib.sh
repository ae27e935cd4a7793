# Shared by the scripts: where the project is, and installing what is missing (Debian, Ubuntu).
# shellcheck shell=bash

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(
    build-essential cmake ninja-build pkg-config
    libglib2.0-dev libjansson-dev libssl-dev
    libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libswresample-dev
    libopus-dev libvpx-dev libopenh264-dev libyuv-dev libcairo2-dev libpango1.0-dev
    libnice-dev libsrtp2-dev libwebsockets-dev libwebsockets-evlib-glib libcurl4-openssl-dev
    fonts-dejavu-core
)
test_packages=(nodejs npm chromium firefox-esr ffmpeg openssl coturn
    nginx libnginx-mod-rtmp libnginx-mod-stream rtmpdump mpv vlc-bin vlc-plugin-base obs-studio xvfb
    gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
    gstreamer1.0-plugins-ugly gstreamer1.0-libav glib-networking)
check_packages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 cppcheck universal-ctags python3 git)
bench_packages=(ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad janus python3 util-linux)

say() { if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else echo "$*"; fi; }

# The packages of the argument list that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        # Node may have come from elsewhere than Debian's packages.
        case $package in
        nodejs) command -v node >/dev/null && continue ;;
        npm) command -v npm >/dev/null && continue ;;
        esac
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# install PACKAGE...: as root, or with sudo.
install_packages() {
    local missing root=()
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "These packages are missing and apt-get is not there to install them:" $missing >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "Run this as root, or install sudo: these packages are missing:" $missing >&2
            return 1
        }
        root=(sudo)
    fi
    say "Installing:" $missing
    "${root[@]}" apt-get update -qq
    # RUNLEVEL=1: packages of servers (nginx, coturn) start none.
    # shellcheck disable=SC2086
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
        $missing >/dev/null
}

# build PRESET [TARGET...]: on a terminal one line of progress, elsewhere only what goes wrong.
build() {
    local preset=$1 quiet=(--quiet)
    shift
    [ -t 1 ] && quiet=()
    (cd "$project" && cmake --preset "$preset" >"$project/build/$preset.log" 2>&1) || {
        cat "$project/build/$preset.log" >&2
        return 1
    }
    ninja -C "$project/build/$preset" "${quiet[@]}" "$@"
}

mkdir -p "$project/build"
