# gw_module(NAME SOURCES ... LINK ... [PRIVATE_LINK ...]): one static library per folder.
function(gw_module name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(gw_${name} STATIC ${arg_SOURCES})
  target_link_libraries(gw_${name} PUBLIC gw_flags ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
endfunction()

# gw_hot(FILE...): files that every turn runs through, or that measure; a release is built for speed there, for size elsewhere.
function(gw_hot)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT GW_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -O2)
  endif()
endfunction()

# gw_test(FILE LINK ... [ARGS ...]): one Criterion program per test file, named after it.
# Under TSan, where Criterion does not start, tests/support/tsan stands in for it.
function(gw_test file)
  cmake_parse_arguments(arg "" "TIMEOUT" "LINK;SOURCES;LABELS" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} ${file} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE gw_flags ${arg_LINK})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(${name} PRIVATE -UNDEBUG) # a test that cannot fail is none
  target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data")
  if(GW_SANITIZE MATCHES thread)
    target_link_libraries(${name} PRIVATE gw_tsan_runner)
  else()
    target_link_libraries(${name} PRIVATE PkgConfig::criterion)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}"
    ENVIRONMENT "${GW_TEST_ENVIRONMENT}")
endfunction()

# gw_fuzz(FILE LINK ... [CHANGES n]): one fuzz target per file that defines LLVMFuzzerTestOneInput, named after it.
# With GW_FUZZ (clang) it is a libFuzzer program, run by `./dev fuzz`. Otherwise it is a test: tests/fuzz/replay_main.c
# feeds it every file of tests/fuzz/regress/NAME and tests/fuzz/corpus/NAME, and seeded random changes of them: CHANGES of each,
# for a slow target with a large corpus.
function(gw_fuzz file)
  cmake_parse_arguments(arg "" "CHANGES" "LINK;SOURCES" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  if(GW_FUZZ)
    add_executable(${name} ${file} ${arg_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_property(GLOBAL APPEND_STRING PROPERTY GW_FUZZ_TARGETS "${name}\n")
  else()
    add_executable(${name} ${file} ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
    if(arg_CHANGES)
      list(PREPEND arg_CHANGES --changes)
    endif()
    add_test(NAME ${name} COMMAND ${name} ${arg_CHANGES} ${CMAKE_SOURCE_DIR}/tests/fuzz/regress/${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS fuzz ENVIRONMENT "${GW_TEST_ENVIRONMENT}")
  endif()
  target_link_libraries(${name} PRIVATE gw_flags ${arg_LINK})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(${name} PRIVATE -UNDEBUG) # a test that cannot fail is none
endfunction()
