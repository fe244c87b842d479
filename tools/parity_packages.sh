# shellcheck shell=bash
# What the tests labelled parity compare with: PyTorch and transformers, as Python packages under
# .deps/, for Python 3.11 (Debian 12's). Sourced by tools/test, after common.sh and python_packages.sh.

# PyTorch's only wheel for Linux x86_64 is the CUDA one, whose libraries for a GPU are 4 GB more. This
# takes what runs on a CPU, and puts libraries of the missing ones' names in their place.
install_pytorch() {
  local name=pytorch-2.11.0-cpu
  [[ -d .deps/$name ]] && return
  begin_install $name
  need_disk 2000 "PyTorch"
  fetch "PyTorch 2.11.0" 543 "$partial/wheels" tools/libtorch-cpu.txt
  local wheels=$partial/wheels
  unzip -q "$wheels"/torch-*.whl -d "$partial" -x 'torch/include/*' 'torch/lib/libtorch_cuda*' \
        torch/lib/libtorch_nvshmem.so torch/bin/ptxas 'torch/bin/protoc*' ||
    stop "could not unpack PyTorch (unzip's message is above): check the disk, and run this again"
  unpack "$wheels"/nvidia_cuda_cupti-*.whl nvidia/cu13/lib/libcupti.so.13
  unpack "$wheels"/nvidia_cuda_runtime-*.whl nvidia/cu13/lib/libcudart.so.13
  stand_in_for_cuda "$partial/torch/lib" "$partial/nvidia/cu13/lib/libcudart.so.13"
  finish_install $name
}

# symbols WHICH FILE...: the names that the libraries define (defined) or ask for (undefined).
symbols() {
  nm -D "--$1-only" "${@:2}" |
    awk 'NF > 1 && $(NF - 1) != "w" { sub(/@.*/, "", $NF); print $NF }' | sort -u
}

# stand_in_for_cuda LIB CUDART: makes libtorch_cuda.so, libcudnn.so.9 and libcufile.so.0 in LIB, with
# all that libtorch_python.so asks of them. Their functions do nothing and return the address of zeros,
# which is enough for the few that `import torch` calls (all return references); a type's description
# has its name, by which Python's bindings know it.
stand_in_for_cuda() {
  local lib=$1 cudart=$2 library system=()
  for library in lib{c,m,stdc++}.so.6 libgcc_s.so.1 lib{dl.so.2,pthread.so.0} ld-linux-x86-64.so.2; do
    system+=("$(g++ -print-file-name="$library")")
  done
  comm -23 <(symbols undefined "$lib"/libtorch_python.so) \
           <(symbols defined "$lib"/lib{torch_cpu,c10,c10_cuda,shm}.so "$cudart" "${system[@]}") |
    awk '
      BEGIN { print ".section .note.GNU-stack, \"\", @progbits\n.bss\nzeros: .zero 65536" }
      /^_?Py/ { next }  # Python itself has them
      /^_ZTI/ { value = ".quad _ZTVN10__cxxabiv117__class_type_infoE + 16, 1f, 0\n1: .asciz \"" \
                        substr($1, 5) "\"" }
      /^_ZTV/ { value = ".zero 256" }
      /^_ZT[IV]/ { printf ".data\n.balign 8\n.globl %s\n.type %s, @object\n%s: %s\n", $1, $1, $1, value
                   next }
      { printf ".text\n.globl %s\n.type %s, @function\n%s: lea zeros(%%rip), %%rax\nret\n", $1, $1, $1 }
    ' > "$lib/stand_in.s"
  for library in libtorch_cuda.so libcudnn.so.9 libcufile.so.0; do
    g++ -shared -Wl,-soname,"$library" -o "$lib/$library" "$lib/stand_in.s" ||
      stop "could not make a stand-in for $library (the assembler's message is above)"
  done
  rm "$lib/stand_in.s"
}

# install_transformers VERSION MEGABYTES: what tools/transformers-VERSION.txt names.
install_transformers() {
  local name=transformers-$1 python
  [[ -d .deps/$name ]] && return
  begin_install "$name"
  need_disk 1000 "transformers"
  say "installing transformers $1 into .deps/$name ($2 MB)"
  python=$(python_with_pip)
  "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
      --root-user-action=ignore \
      --only-binary=:all: --python-version 3.11 --implementation cp \
      --abi cp311 --abi abi3 --abi none \
      --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \
      --platform manylinux2014_x86_64 \
      --target "$partial" --require-hashes --requirement "tools/$name.txt" </dev/null >&2 ||
    stop "could not install transformers $1 (pip's message is above): if it was the network, run" \
         "this again when there is one"
  finish_install "$name"
}
