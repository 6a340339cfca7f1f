/* tools/tools_undef.h -- ends a reading of tools.def. No guard: it is included after each one. */
#undef TOOL
#undef FIRST
#undef PARAM
#undef FIRST_CHOICE
#undef CHOICE
#undef END
