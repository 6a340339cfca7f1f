/* A test that passes and leaks: selftest_leaks.sh proves that this does not go unseen. Not part of the suite. */
#include <criterion/criterion.h>
#include <stdlib.h>

static char *volatile lost;

Test(leaks, pass)
{
    for (int i = 0; i < 10; i++) lost = malloc(77); /* several: one might still be found in a register */
    lost = NULL;
    cr_assert(true);
}
