/** tests/fakes/fake_openai_check.h -- is this a request that an OpenAI-style server takes?
 *
 *  Stricter than any one real server: what one of OpenAI, OpenRouter, vLLM and Ollama refuses is refused here. */
#ifndef TESTS_FAKES_FAKE_OPENAI_CHECK_H
#define TESTS_FAKES_FAKE_OPENAI_CHECK_H

#include "fakes/fake_provider.h"

int fake_openai_check(const struct fake_request *r, const char *key, struct fake_ask *ask, struct buf *reason);

#endif
