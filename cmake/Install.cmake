# `cmake --install build/release` puts the program, the libraries and the public headers in place;
# find_package(millrace) then gives the targets millrace::core, millrace::streams and millrace::connectors.
include(CMakePackageConfigHelpers)

install(TARGETS millrace RUNTIME DESTINATION bin)
foreach(part core streams connectors)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${part}/include/ DESTINATION include)
endforeach()
# The few headers that the public ones re-export keep their names, out of the way of the user's own.
install(DIRECTORY ${CMAKE_SOURCE_DIR}/core/base DESTINATION include/millrace/detail FILES_MATCHING PATTERN "*.h")

install(EXPORT millrace NAMESPACE millrace:: DESTINATION lib/cmake/millrace FILE millraceTargets.cmake)
configure_file(${CMAKE_SOURCE_DIR}/cmake/millraceConfig.cmake.in ${CMAKE_BINARY_DIR}/millraceConfig.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/millraceConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/millraceConfig.cmake ${CMAKE_BINARY_DIR}/millraceConfigVersion.cmake
        DESTINATION lib/cmake/millrace)
