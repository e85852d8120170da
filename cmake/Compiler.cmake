# Warnings, sanitizers and the compiler cache: the same for every target.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(MILLRACE_CCACHE ccache)
  if(MILLRACE_CCACHE)
    # Relative to the checkout, so that objects built in one clone serve every other one.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${MILLRACE_CCACHE})
  endif()
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -fno-strict-overflow
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
# g++ 12 reports these inside its own library's inlined code.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
                    $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow> $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
                    -Wno-missing-field-initializers)
# A group of files needs half a gigabyte: not to collect garbage before that is a tenth of the compiler's time.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288>)
if(MILLRACE_UNITY)
  # A group of files looks like a header to this warning: it means types of an anonymous namespace in headers.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(MILLRACE_WERROR)
  add_compile_options(-Werror)
endif()

# For what is run a few times, tests above all: it costs mostly its compilation. What they test is optimised.
set(millrace_cheap -O0 $<$<CONFIG:RelWithDebInfo>:-g0>)

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
  if(MILLRACE_SANITIZE MATCHES thread)
    # Asio's fences, which the sanitizer does not see; what they order is ordered by its own locks as well.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

if(MILLRACE_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "MILLRACE_FUZZ needs clang: cmake --preset fuzz")
  endif()
  # libFuzzer goes where it has not been: all code says where it is.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# The linker that comes with g++ takes twice as long over a test program as the other one that comes with it. That one
# complains of what clang's sanitizers export.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=gold MILLRACE_HAS_GOLD)
if(MILLRACE_HAS_GOLD AND NOT MILLRACE_FUZZ)
  add_link_options(-fuse-ld=gold)
endif()
