# How `kit build` makes a kit: release programs without what debuggers read, the probes, the Vulkan loader's packages, scripts.
# It is read by `kit`, whose words it uses (fail, refuse and these), and does not know what a run does with them.
# shellcheck shell=bash
: "${root:?}" "${here:?}" "${work:?}"

# What a kit may weigh, in bytes.
readonly HEAVIEST=$((50 << 20))
readonly SCRIPTS=(kit report.py predictions.py peers.py peers_answers.py peers_libraries.py)
# The Vulkan loader, and what NVIDIA's driver wants of GLVND where there is no display.
readonly LOADERS=(libvulkan1 libegl1 libglvnd0 libopengl0 libgl1 libglx0 libgles2)

# The program that cargo made for a target: its messages on standard input.
made() {
    sed -n "/\"kind\":\[\"$1\"\],.*\"name\":\"$2\",/s/.*\"executable\":\"\([^\"]*\)\".*/\1/p" | tail -n 1
}

# All of the workspace, so that dependencies are compiled once, with the features of a release.
engine() {
    local whole=(--locked --release --workspace --message-format=json-render-diagnostics) messages=$work/messages
    (
        cd "$root"
        STACKMILL_COMMIT=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
        export STACKMILL_COMMIT
        cargo build "${whole[@]}" --bins --bench gpu_lab
        cargo test "${whole[@]}" --no-run --test gpu --test gpu_conformance
    ) >"$messages" || fail "the programs could not be built"
    packed stackmill "$(made bin stackmill <"$messages")"
    packed gpu "$(made test gpu <"$messages")"
    packed gpu_conformance "$(made test gpu_conformance <"$messages")"
    packed gpu_lab "$(made bench gpu_lab <"$messages")"
}

# The probes are a project of their own, built from a copy: nothing is written beside their sources. Our lock file goes along, so
# that they ask the wgpu that the engine links.
probes() {
    local from=$root/../shared/probes/wgpu target=$root/target/kit
    [[ -e $from/Cargo.toml ]] || fail "the probes are missing: $from"
    rm -rf "$target/probes"
    mkdir -p "$target/probes"
    cp -r "$from/Cargo.toml" "$from/src" "$target/probes/"
    chmod -R u+w "$target/probes"
    cp "$root/Cargo.lock" "$target/probes/"
    # A workspace of its own, though it lies inside another.
    printf '\n[workspace]\n' >>"$target/probes/Cargo.toml"
    (cd "$target/probes" && CARGO_TARGET_DIR=$target/wgpu CARGO_PROFILE_RELEASE_STRIP=true cargo build --release --bins) ||
        fail "the probes could not be built"
    for name in wgpu-probe overlap patterns; do
        packed "$name" "$target/wgpu/release/$name"
    done
}

# A program, without what only a debugger reads, compressed.
packed() {
    local name=$1 program=$2
    [[ -x $program ]] || fail "$name was not built (no program '$program')"
    cp "$program" "$work/$name"
    strip "$work/$name" 2>/dev/null || true
    gzip -9 -c "$work/$name" >"$kit/$name.gz"
    printf '%-16s %6.1f MB, %5.1f MB packed\n' "$name" "$(megabytes "$work/$name")" "$(megabytes "$kit/$name.gz")"
    rm "$work/$name"
}
megabytes() {
    du -sb "$1" | awk '{ print $1 / 1e6 }'
}

# The loader's packages, with lists and caches of our own: neither root nor an installation is needed.
loaders() {
    local state=$root/target/kit/apt
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here: the kit has no Vulkan loader, the machine must have libvulkan.so.1"
        return
    fi
    mkdir -p "$state"/{lists,cache/archives}/partial "$kit/debs"
    local ours=(-qq -o Debug::NoLocking=1 -o APT::Sandbox::User=)
    ours+=(-o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache")
    apt-get "${ours[@]}" update || fail "apt-get update failed: the Vulkan loader cannot be packed"
    (cd "$kit/debs" && apt-get "${ours[@]}" download "${LOADERS[@]}") || fail "the loader's packages could not be downloaded"
}

about() {
    local commit
    commit=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
    [[ -z $(git -C "$root" status --porcelain 2>/dev/null) ]] || commit+=" and changes"
    printf 'commit\t%s\n' "$commit"
    printf 'built\t%s, %s, glibc %s\n' "$(date -u +%Y-%m-%d)" "$(rustc --version)" "$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"
    printf 'wgpu\t%s\n' "$(sed -n '/^name = "wgpu"$/{n;s/version = "\(.*\)"/\1/p}' "$root/Cargo.lock")"
    if [[ -d $kit/debs ]]; then
        printf 'loader\t%s\n' "$(cd "$kit/debs" && printf '%s ' ./*.deb | sed 's|\./||g')"
    fi
}

build() {
    (($# <= 1)) || refuse "build takes one folder, not $#"
    local folder=${1:-$root/.kit}
    if [[ -e $folder && ! -e $folder/about.tsv ]]; then
        [[ -d $folder && -z $(ls -A "$folder") ]] ||
            refuse "$folder is no kit: it would be replaced" "name an empty folder or a new one"
    fi
    kit=$folder.part
    rm -rf "$kit"
    mkdir -p "$kit" "$root/target/kit"
    engine
    probes
    loaders
    for script in "${SCRIPTS[@]}"; do
        cp "$here/$script" "$kit/"
    done
    about | tee "$kit/about.tsv"
    local size
    size=$(du -sb "$kit" | cut -f1)
    echo "$folder: $((size / 1000000)) MB in $(find "$kit" -type f | wc -l) files"
    ((size <= HEAVIEST)) || fail "a kit of $size bytes: $HEAVIEST are allowed"
    rm -rf "$folder"
    mv "$kit" "$folder"
}
