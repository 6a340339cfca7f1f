/** channels/openai_internal.h -- what the files of the OpenAI channel share; not for others. */
#ifndef CHANNELS_OPENAI_INTERNAL_H
#define CHANNELS_OPENAI_INTERNAL_H

#include "channels/openai_http.h"

/** Fill *why for status 400.
 *  @param param  the field; "": none
 *  @return code */
__attribute__((format(printf, 4, 5))) int openai_refuse(struct openai_error *why, int code, const char *param, const char *format, ...);

#endif
