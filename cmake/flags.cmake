include(CheckLinkerFlag)

# Warnings, hardening and sanitizers for every target of ours.
add_library(gw_flags INTERFACE)
target_compile_definitions(gw_flags INTERFACE _GNU_SOURCE GW_VERSION="${PROJECT_VERSION}")
target_include_directories(gw_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(gw_flags INTERFACE
  -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
  -Wundef -Wvla -Wformat=2 -fno-common)

if(GW_FUZZ)
  # Coverage feedback for libFuzzer in every module; only the targets of gw_fuzz() get its main().
  target_compile_options(gw_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(gw_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(GW_SANITIZE)
  target_compile_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE} -fno-sanitize-recover=all -O1 -g -fno-omit-frame-pointer)
  target_link_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Small, but for the files of gw_hot(). Unwind tables and frame pointers are for exceptions and debuggers: C has none, -g has its own.
  target_compile_options(gw_flags INTERFACE -Oz -g -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections)
  target_link_options(gw_flags INTERFACE -Wl,--as-needed) # not --gc-sections, which drops the tests of Criterion: the program alone has it
  check_linker_flag(C -Wl,-z,pack-relative-relocs GW_PACKS_RELOCS) # a bitmap instead of 24 bytes a pointer; glibc 2.36 reads it
  if(GW_PACKS_RELOCS)
    target_link_options(gw_flags INTERFACE -Wl,-z,pack-relative-relocs)
  endif()
  # Hardening: position independent, full RELRO, stack protector, checked libc calls.
  target_compile_options(gw_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_options(gw_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code)
else()
  target_compile_options(gw_flags INTERFACE -O0 -g3 -fno-omit-frame-pointer)
endif()
