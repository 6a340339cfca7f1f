/** bench/bench_soak.h -- measures what stays behind: memory after many turns, reloads and reconnects, against that after the first
 *  tenth of them. */
#ifndef BENCH_BENCH_SOAK_H
#define BENCH_BENCH_SOAK_H

void bench_page(void); /* with a page in a browser: there, and after all its views */
void bench_soak_reloads(void);
void bench_soak_reconnects(void);
void bench_soak_turns(void);

#endif
