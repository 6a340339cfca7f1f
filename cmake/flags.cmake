# Warnings, hardening and sanitizers for every target of ours.
add_library(gw_flags INTERFACE)
target_compile_definitions(gw_flags INTERFACE _GNU_SOURCE GW_VERSION="${PROJECT_VERSION}")
target_include_directories(gw_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(gw_flags INTERFACE
  -Wall -Wextra -Wshadow -Werror -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
  -Wundef -Wvla -Wformat=2 -fno-common -fno-omit-frame-pointer)

if(GW_FUZZ)
  # Coverage feedback for libFuzzer in every module; only the targets of gw_fuzz() get its main().
  target_compile_options(gw_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(gw_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(GW_SANITIZE)
  target_compile_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE} -fno-sanitize-recover=all -O1 -g)
  target_link_options(gw_flags INTERFACE -fsanitize=${GW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # Hardening: position independent, full RELRO, stack protector, checked libc calls.
  target_compile_options(gw_flags INTERFACE
    -O2 -g -fstack-protector-strong -fstack-clash-protection -fcf-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -ffunction-sections -fdata-sections)
  target_link_options(gw_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed)
else()
  target_compile_options(gw_flags INTERFACE -O0 -g3)
endif()
