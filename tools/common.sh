# shellcheck shell=bash
# What the scripts of tools/ share: messages, and the choices that must be the same in all of them.
# Sourced, not run. It leaves the shell in the project's root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One line of what is being done, marked with the script's name, as in tools/deps.
say() { printf '%s/%s: %s\n' "$(basename "$(dirname "$0")")" "$(basename "$0")" "$*" >&2; }

# The reason and what to do, then exit 1.
stop() { say "$*"; exit 1; }

# A wrong argument: exit 2, as every command of the project does.
wrong_usage() { say "$*"; exit 2; }

# The comment at the head of a script is its help.
show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Prints the path of nvcc, or fails.
find_nvcc() {
  command -v nvcc 2>/dev/null && return
  [[ -x /usr/local/cuda/bin/nvcc ]] && echo /usr/local/cuda/bin/nvcc
}

# Prints how many compilers to run at once. A file that includes LibTorch takes up to 2 GB, so on a
# machine with many cores memory is what runs out.
build_jobs() {
  local cores by_memory
  cores=$(nproc)
  by_memory=$(awk '/^MemAvailable/ { print int($2 / 2000000) }' /proc/meminfo)
  echo $(( by_memory < 1 ? 1 : by_memory < cores ? by_memory : cores ))
}

# MOE_LIBTORCH as an absolute path; empty when none is named. CMake is always told, because it
# remembers what it was told last time.
libtorch_option() { echo "-DMOE_LIBTORCH=${MOE_LIBTORCH:+$(realpath -m "$MOE_LIBTORCH")}"; }

# build FOLDER TARGET [cmake arguments...]: configures with the arguments and builds TARGET. The
# output goes to FOLDER/build.log, which is shown from its first error on when something fails.
build() {
  local folder=$1 target=$2 log=$1/build.log
  shift 2
  mkdir -p "$folder"
  if ! { cmake "$@" "$(libtorch_option)" &&
         cmake --build "$folder" --target "$target" -j "$(build_jobs)"; } </dev/null 2>&1 |
       tee "$log" | show_progress
  then
    sed -n '/^FAILED\|CMake Error\|error:/,$p' "$log" | head -n 60 >&2
    stop "the build failed; its whole output is in $log"
  fi
}

# Reads ninja's output, and shows how far it is where a person watches.
show_progress() {
  local first
  while read -r first _; do
    if [[ -t 2 && $first == \[*/*\] ]]; then printf '\r%s ' "$first" >&2; fi
  done
  if [[ -t 2 ]]; then printf '\r%12s\r' "" >&2; fi
}
