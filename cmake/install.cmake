# cmake --install build/release --prefix P: the programs, and a package with which a gate can live in a
# project of its own (docs/adding_a_gate.md). Headers keep their folders, so that includes are the same
# inside and outside: "gates/gate.h" below P/include/moe.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/moe)

foreach(program ${MOE_PROGRAMS})
  set_target_properties(${program} PROPERTIES INSTALL_RPATH ${MOE_TORCH_ROOT}/lib)
endforeach()
install(TARGETS ${MOE_PROGRAMS} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# moe_train -> moe::train
foreach(library ${MOE_LIBRARIES})
  string(SUBSTRING ${library} 4 -1 name)
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
endforeach()
install(TARGETS ${MOE_LIBRARIES} EXPORT moe ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moe)
install(EXPORT moe NAMESPACE moe:: FILE moeTargets.cmake DESTINATION ${package_folder})
install(DIRECTORY configs data layers gates moe train
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/moe FILES_MATCHING PATTERN "*.h")

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/moeConfig.cmake.in
                              ${CMAKE_BINARY_DIR}/generated/moeConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/moeConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/moeConfig.cmake
              ${CMAKE_BINARY_DIR}/generated/moeConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/package.cmake
        DESTINATION ${package_folder})
