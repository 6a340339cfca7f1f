/** bench/report.h -- measured figures against their budgets: one JSON file each, one table for people.
 *
 *  Source of the budgets: the design's table of budgets (2 cores, load generator and mock on the same machine). */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

/** Where the files go; made when it is not there. @return 0 or GW_ESYS */
int report_open(const char *folder);

/** Note a figure of the table in report.c and write FOLDER/NAME.json. `note` (may be NULL) says how it was measured. */
void report_figure(const char *name, double value, const char *note);

/** A figure that could not be measured, and why. */
void report_missing(const char *name, const char *why);

/** Print the table. @return how many budgets are missed */
int report_print(void);

#endif
