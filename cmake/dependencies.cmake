# Packages from Debian, and LibTorch from the folder that tools/deps fills (.deps/), or from
# MOE_LIBTORCH when that is given. Never another one that happens to be installed.
find_package(yaml-cpp REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json 3.11 REQUIRED)
if(NOT MOE_FUZZ)
  find_package(spdlog REQUIRED)
  find_package(CLI11 REQUIRED)
endif()

# malloc for the programs. Debian's package has the versioned name alone. A sanitizer brings its own.
if(NOT MOE_FUZZ AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  find_library(MOE_TCMALLOC NAMES libtcmalloc_minimal.so.4 REQUIRED)
endif()

# -Wno-restrict: gcc 12 sees overlaps in std::string's operator+ that are not there (GCC bug 105329).
set(MOE_WARNINGS -Wall -Wextra -Wno-unused-parameter -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND MOE_WARNINGS -Wno-restrict)
endif()

# Of use for the files without LibTorch: ccache passes over what has a precompiled header. Not for
# unity builds: those are made for one cold build, which it only slows.
find_program(MOE_CCACHE ccache)
if(MOE_CCACHE AND NOT CMAKE_UNITY_BUILD AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MOE_CCACHE})
endif()

if(MOE_FUZZ)
  return()  # nothing below is for a build without LibTorch
endif()

include(${CMAKE_CURRENT_LIST_DIR}/package.cmake)
if(MOE_CUDA)
  include(${CMAKE_CURRENT_LIST_DIR}/cuda.cmake)
endif()

set(complete_torch ${PROJECT_SOURCE_DIR}/.deps/libtorch-2.11.0-cuda/torch)
if(MOE_LIBTORCH)
  set(MOE_TORCH_ROOT ${MOE_LIBTORCH})
elseif(MOE_CUDA AND EXISTS ${complete_torch})
  set(MOE_TORCH_ROOT ${complete_torch})
else()
  set(MOE_TORCH_ROOT ${PROJECT_SOURCE_DIR}/.deps/libtorch-2.11.0-cpu/torch)
endif()
if(NOT EXISTS ${MOE_TORCH_ROOT}/include/ATen/ATen.h)
  message(FATAL_ERROR "no LibTorch in ${MOE_TORCH_ROOT}: run tools/deps, "
                      "or name one with -DMOE_LIBTORCH=<folder with include/ and lib/>")
endif()

moe_torch_version(${MOE_TORCH_ROOT} MOE_TORCH_VERSION)
moe_add_torch(${MOE_TORCH_ROOT})
if(MOE_CUDA)
  moe_add_torch_cuda(${MOE_TORCH_ROOT})
endif()

# LibTorch's headers take 13 s a file to compile, precompiled 5 s. A unity build pays them once per
# unit anyway.
function(moe_use_torch target)
  target_link_libraries(${target} PUBLIC moe::torch)
  set_target_properties(${target} PROPERTIES BUILD_RPATH ${MOE_TORCH_ROOT}/lib)
  if(CMAKE_UNITY_BUILD)
    return()
  endif()
  if(target STREQUAL moe_layers)
    target_precompile_headers(moe_layers PRIVATE ${PROJECT_SOURCE_DIR}/layers/torch.h)
  else()
    target_precompile_headers(${target} REUSE_FROM moe_layers)
  endif()
endfunction()
