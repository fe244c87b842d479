# What this build and the installed package (moeConfig.cmake) do alike: LibTorch's targets, and malloc.

# moe_torch_version(ROOT VARIABLE): "2.11.0", or "" where its headers do not say.
function(moe_torch_version root variable)
  set(header ${root}/include/torch/headeronly/version.h)
  set(version "")
  if(EXISTS ${header})
    file(STRINGS ${header} lines REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "#define TORCH_VERSION_[A-Z]+ " "" lines "${lines}")
    string(REPLACE ";" "." version "${lines}")
  endif()
  set(${variable} "${version}" PARENT_SCOPE)
endfunction()

# moe_add_torch(ROOT): makes moe::torch of the LibTorch in ROOT. Imported, so that an export names it and
# the package makes it anew. find_package(Torch) of the CPU wheel insists on a CUDA toolkit; a CPU build
# needs two libraries.
function(moe_add_torch root)
  add_library(moe::torch INTERFACE IMPORTED GLOBAL)
  target_include_directories(moe::torch SYSTEM INTERFACE
                             ${root}/include ${root}/include/torch/csrc/api/include)
  target_link_libraries(moe::torch INTERFACE ${root}/lib/libtorch_cpu.so ${root}/lib/libc10.so)
  # The linker follows the libraries of libtorch_cpu.so (libcupti, libcudart) by this path.
  target_link_options(moe::torch INTERFACE -Wl,-rpath-link,${root}/../nvidia/cu13/lib)
endfunction()

# moe_add_torch_cuda(ROOT): adds LibTorch's CUDA libraries to moe::torch, where they are. A LibTorch
# without them is no error, so that tests/gpu builds beside the CPU parts alone.
function(moe_add_torch_cuda root)
  if(NOT EXISTS ${root}/lib/libtorch_cuda.so)
    message(STATUS "LibTorch in ${root} has no CUDA libraries: only tests/gpu uses the GPU")
    return()
  endif()
  target_include_directories(moe::torch SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
  # Nothing refers to libtorch_cuda by name: it registers its kernels when it is loaded, and a
  # linker that drops what is not needed would drop it.
  set(cuda ${root}/lib/libtorch.so,${root}/lib/libtorch_cuda.so,${root}/lib/libc10_cuda.so)
  target_link_libraries(moe::torch INTERFACE "-Wl,--push-state,--no-as-needed,${cuda},--pop-state")
  foreach(package cudnn cusparselt nccl nvshmem)
    target_link_options(moe::torch INTERFACE -Wl,-rpath-link,${root}/../nvidia/${package}/lib)
  endforeach()
endfunction()

# moe_link_malloc(TARGET SCOPE): tcmalloc before all other libraries, so that theirs is the malloc that
# everything calls. Nothing where there is none: a sanitizer brings its own.
function(moe_link_malloc target scope)
  if(MOE_TCMALLOC)
    target_link_options(${target} ${scope} LINKER:--push-state,--no-as-needed ${MOE_TCMALLOC}
                        LINKER:--pop-state)
  endif()
endfunction()
