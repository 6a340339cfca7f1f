#include "base/base64.h"

#include <ctype.h>

static struct str unpadded(struct str text)
{
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++) text.n--;
    return text;
}

bool base64_valid(struct str text)
{
    struct str s = unpadded(text);
    if (s.n == 0 || s.n % 4 == 1) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '+' && s.p[i] != '/') return false;
    return true;
}

size_t base64_size(struct str text)
{
    return unpadded(text).n * 3 / 4;
}
