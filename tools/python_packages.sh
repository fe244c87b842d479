# shellcheck shell=bash
# What tools/deps takes from Python's package index, unpacked into .deps/ without installing any
# Python package. Sourced by tools/deps, after common.sh.
#
# Every folder is filled under a temporary name beside its place and renamed when it is complete, so
# that one is either whole or not there.

# Prints a Python that has pip: another Python before Debian's in PATH may lack it.
python_with_pip() {
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -m pip --version >/dev/null 2>&1; then echo "$python"; return; fi
  done
  stop "python3 has no pip: install Debian's python3-pip, and run this again"
}

# TensorBoard, whose reader the test of the event files needs, as Python packages of their own.
install_tensorboard() {
  local folder=.deps/tensorboard python
  [[ -d $folder ]] && return
  python=$(python_with_pip)
  say "installing TensorBoard into $folder (160 MB)"
  rm -rf "$folder.partial"
  "$python" -m pip install --quiet --disable-pip-version-check --only-binary=:all: \
      --target "$folder.partial" 'tensorboard>=2.16,<3' </dev/null >&2 ||
    stop "could not install TensorBoard (pip's message is above): if it was the network, run this" \
         "again when there is one"
  mv "$folder.partial" "$folder"
}

# fetch WHAT MEGABYTES FOLDER LIST: downloads into FOLDER the wheels that LIST names and hashes.
fetch() {
  local what=$1 megabytes=$2 folder=$3 list=$4 quiet=(--quiet) python
  [[ -t 2 ]] && quiet=()  # in a terminal pip shows how far it is
  python=$(python_with_pip)
  say "downloading $what ($megabytes MB)"
  # The wheels are named for CPython 3.11 because only their C++ libraries are used: any will do.
  "$python" -m pip download "${quiet[@]}" --disable-pip-version-check --no-cache-dir \
      --no-deps --only-binary=:all: \
      --python-version 3.11 --implementation cp --abi cp311 --abi none \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 \
      --platform manylinux_2_18_x86_64 --platform manylinux2014_x86_64 \
      --dest "$folder" --require-hashes --requirement "$list" </dev/null >&2 ||
    stop "could not download $what (pip's message is above): if it was the network, run this" \
         "again when there is one; what is installed already is kept"
}

# unpack WHEEL PATTERN...: unpacks matching files, and the licences, into $partial.
unpack() {
  unzip -q "$@" '*.dist-info/licenses/*' -d "$partial" ||
    stop "could not unpack $1 (unzip's message is above): check the disk, and run this again"
}

# need_disk MEGABYTES WHAT
need_disk() {
  local free
  free=$(( $(df --output=avail -k .deps | tail -n 1) / 1024 ))
  (( free >= $1 )) ||
    stop "$2 needs $1 MB of disk, and $(realpath .deps) has $free MB free: free some, or put the" \
         "project on a larger disk"
}

# begin_install NAME: sets $partial to an empty folder that finish_install renames to .deps/NAME.
begin_install() {
  mkdir -p .deps
  exec 9> .deps/.lock
  flock --nonblock 9 || { say "waiting for another tools/deps to finish"; flock 9; }
  partial=.deps/.partial-$1
  rm -rf "$partial"
  mkdir "$partial"
  trap 'rm -rf "$partial"' EXIT
}

finish_install() {
  rm -rf "$partial/wheels" ".deps/$1"
  mv "$partial" ".deps/$1"
  exec 9>&-
}

has_libtorch_cpu() {
  local root=.deps/libtorch-2.11.0-cpu file
  for file in torch/include/ATen/ATen.h torch/lib/{libtorch_cpu.so,libc10.so,libgomp.so.1} \
              nvidia/cu13/lib/{libcupti.so.13,libcudart.so.13}; do
    [[ -e $root/$file ]] || return 1
  done
}

install_libtorch_cpu() {
  has_libtorch_cpu && return
  begin_install libtorch-2.11.0-cpu
  has_libtorch_cpu && return  # another process installed it meanwhile
  need_disk 3000 "the first installation and build"
  fetch "the CPU parts of LibTorch 2.11.0" 543 "$partial/wheels" tools/libtorch-cpu.txt
  local wheels=$partial/wheels
  unpack "$wheels"/torch-*.whl 'torch/include/*' torch/lib/libtorch_cpu.so torch/lib/libc10.so \
         'torch/lib/libgomp*'
  unpack "$wheels"/nvidia_cuda_cupti-*.whl nvidia/cu13/lib/libcupti.so.13
  unpack "$wheels"/nvidia_cuda_runtime-*.whl nvidia/cu13/lib/libcudart.so.13
  finish_install libtorch-2.11.0-cpu
}

install_libtorch_cuda() {
  local name=libtorch-2.11.0-cuda python
  [[ -e .deps/$name/torch/lib/libtorch_cuda.so ]] && return
  begin_install $name
  need_disk 12000 "the complete LibTorch"
  say "installing the complete LibTorch 2.11.0 (4.6 GB) into .deps/$name"
  python=$(python_with_pip)
  "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
      --target "$partial" torch==2.11.0 </dev/null >&2 ||
    stop "could not install torch 2.11.0 (pip's message is above): check the network, and run" \
         "this again"
  finish_install $name
}

install_nccl() {
  local name=nccl-2.28.9 toolkit
  toolkit=$(dirname "$(dirname "$(find_nvcc || echo /usr/bin/nvcc)")")
  [[ -e .deps/$name/nvidia/nccl/lib/libnccl.so.2 ]] && return
  [[ -e $toolkit/include/nccl.h || -e /usr/include/nccl.h ]] && return
  begin_install $name
  need_disk 1000 "NCCL"
  fetch "NCCL 2.28.9" 196 "$partial/wheels" tools/nccl.txt
  unpack "$partial"/wheels/*.whl 'nvidia/nccl/*'
  finish_install $name
}
