#include <criterion/criterion.h>

#include "channels/scopes.h"

static struct scopes scopes_of(const char *names)
{
    struct scopes list = { 0 };
    struct str rest = str_of(names);
    while (rest.n) cr_assert(scopes_add(&list, str_split(&rest, ',')) == 0);
    return list;
}

Test(scopes, are_names_and_each_there_once)
{
    struct scopes list = scopes_of("operator.read,operator.write");
    cr_assert(scopes_add(&list, STR("operator.read")) == 0);
    cr_assert_str_eq(list.text, "operator.read,operator.write");
    cr_assert(scopes_has(&list, STR("operator.write")) && !scopes_has(&list, STR("operator")) && !scopes_has(&list, STR("")));
    cr_assert(scopes_add(&list, STR("a,operator.admin")) == GW_EINVAL && scopes_add(&list, STR("a|b")) == GW_EINVAL);
    cr_assert(scopes_add(&list, STR("")) == GW_EINVAL && scopes_add(&list, STR("a b")) == GW_EINVAL &&
              scopes_add(&list, STR("\xc3\xa9")) == GW_EINVAL);
    struct scopes none = { 0 }, more = scopes_of("operator.read,x");
    cr_assert(scopes_cover(&list, &none) && scopes_cover(&none, &none) && !scopes_cover(&none, &list) && !scopes_cover(&list, &more));
}

Test(scopes, hold_names_to_their_bounds_and_no_byte_more)
{
    struct scopes list = { 0 }, one = scopes_of("z");
    char name[SCOPE_MAX + 2];
    memset(name, 'x', sizeof name);
    cr_assert(scopes_add(&list, (struct str){ name, SCOPE_MAX + 1 }) == GW_ELIMIT);
    for (int c = 'a'; c < 'd'; c++) { /* 3 of 64 with their commas: 194 bytes */
        name[0] = (char)c;
        cr_assert(scopes_add(&list, (struct str){ name, SCOPE_MAX }) == 0);
    }
    name[0] = 'd';
    cr_assert(scopes_add(&list, (struct str){ name, SCOPES_SIZE - 1 - 194 - 1 + 1 }) == GW_ELIMIT);
    cr_assert(scopes_add(&list, (struct str){ name, SCOPES_SIZE - 1 - 194 - 1 }) == 0);
    struct scopes before = list;
    cr_assert(scopes_merge(&list, &one) == GW_ELIMIT);
    cr_assert_str_eq(list.text, before.text);
}
