# cmake --install, find_package(dispar) and pkg-config. Everything is independent of the architecture: headers.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/dispar)
install(DIRECTORY include/dispar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dispar FILES_MATCHING PATTERN "*.hpp")
install(TARGETS dispar EXPORT dispar-targets COMPONENT dispar)
install(EXPORT dispar-targets NAMESPACE dispar:: DESTINATION ${package_dir} COMPONENT dispar)

configure_package_config_file(cmake/dispar-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/dispar-config.cmake
  INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may break source: only the same minor version is compatible.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/dispar-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dispar-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/dispar-config-version.cmake
  DESTINATION ${package_dir} COMPONENT dispar)

# The .pc file finds the headers from its own place, so that the installed tree can be moved.
file(RELATIVE_PATH DISPAR_PC_INCLUDEDIR ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
set(DISPAR_PC_OPENMP "")
if(OpenMP_CXX_FOUND)
  set(DISPAR_PC_OPENMP "${OpenMP_CXX_FLAGS}")
endif()
configure_file(cmake/dispar.pc.in ${CMAKE_CURRENT_BINARY_DIR}/dispar.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/dispar.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT dispar)
