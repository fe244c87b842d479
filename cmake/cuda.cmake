# The CUDA flavour (MOE_CUDA=ON): the CUDA language, NCCL, and the CUDA half of LibTorch.
# It configures on a machine without a GPU: nothing here asks what device is present. Kernels are *.cu
# files that know of no LibTorch. They, and *_cuda.cpp that use LibTorch's CUDA half, stand in place of
# *_no_cuda.cpp (moe_folder in CMakeLists.txt).

# A100 and H100 by machine code; newer devices translate the 90 form when the program starts.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(CMAKE_CUDA_ARCHITECTURES 80 90)
endif()
enable_language(CUDA)
# CMake 3.25 does not know the option for C++20 of nvcc 13.
set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
find_package(CUDAToolkit REQUIRED)

# NCCL of the toolkit or system, else the one that `tools/deps --nccl` unpacked: its library has
# no name without a version.
set(nccl_package ${PROJECT_SOURCE_DIR}/.deps/nccl-2.28.9/nvidia/nccl)
find_path(MOE_NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${nccl_package}/include)
find_library(MOE_NCCL_LIBRARY NAMES nccl libnccl.so.2
             HINTS ${CUDAToolkit_LIBRARY_DIR} ${nccl_package}/lib)
if(NOT MOE_NCCL_INCLUDE OR NOT MOE_NCCL_LIBRARY)
  message(FATAL_ERROR "MOE_CUDA=ON needs NCCL, and neither the CUDA toolkit "
                      "(${CUDAToolkit_TARGET_DIR}) nor the system has nccl.h and libnccl: "
                      "run tools/deps --nccl")
endif()
add_library(moe_nccl INTERFACE)
target_include_directories(moe_nccl SYSTEM INTERFACE ${MOE_NCCL_INCLUDE})
target_link_libraries(moe_nccl INTERFACE ${MOE_NCCL_LIBRARY} CUDA::cudart_static)
