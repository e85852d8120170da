# millrace_library(NAME [INTERNAL] [COLD] [PUBLIC dir...] [PRIVATE dir...] [FOLDERS dir...] [WITHOUT dir...] [LINK lib...])
#
# A static library of every .cc file below FOLDERS (relative to the calling file). Adding a file needs no edit here.
# WITHOUT are folders below them that belong to something else.
# PUBLIC and PRIVATE are include directories. INTERNAL: not installed. COLD: nothing in it runs
# for every record or batch, so it is optimised less, which compiles it a quarter faster.
function(millrace_library name)
  cmake_parse_arguments(ARG "INTERNAL;COLD" "" "PUBLIC;PRIVATE;FOLDERS;WITHOUT;LINK" ${ARGN})
  set(patterns "")
  foreach(folder IN LISTS ARG_FOLDERS)
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${patterns})
  foreach(folder IN LISTS ARG_WITHOUT)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${folder}/")
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
    target_include_directories(${name} PRIVATE ${ARG_PRIVATE})
    if(ARG_COLD)
      # Coroutines need their tail calls at any level.
      target_compile_options(${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1$<SEMICOLON>-foptimize-sibling-calls>)
      # Many small files of the same headers: larger groups still compile in the time of the others.
      set_target_properties(${name} PROPERTIES UNITY_BUILD_BATCH_SIZE 14)
    endif()
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${ARG_PUBLIC})
  target_link_libraries(${name} ${scope} ${ARG_LINK})
  if(NOT ARG_INTERNAL)
    target_include_directories(${name} ${scope} $<INSTALL_INTERFACE:include> $<INSTALL_INTERFACE:include/millrace/detail>)
    string(REPLACE "millrace_" "" exported ${name})
    set_target_properties(${name} PROPERTIES EXPORT_NAME ${exported})
    install(TARGETS ${name} EXPORT millrace ARCHIVE DESTINATION lib)
  endif()
endfunction()
