/** tests/fakes/fake_gemini_check.h -- is this a request that the Gemini API takes? Its error texts where they are known. */
#ifndef TESTS_FAKES_FAKE_GEMINI_CHECK_H
#define TESTS_FAKES_FAKE_GEMINI_CHECK_H

#include "fakes/fake_provider.h"

/* The only thought signature that the fake makes, and so the only one that it takes back (base64). */
#define FAKE_GEMINI_SIGNATURE "c2lnbmF0dXJlIG9mIHRoZSBmYWtl"

int fake_gemini_check(const struct fake_request *r, const char *key, struct fake_ask *ask, struct buf *reason);

#endif
