/** base/memory.h -- memory that an idle process holds without need goes back to the machine.
 *
 *  Freed blocks stay in the heap, and code and tables that ran once (at the start, for a first client, in a reload) stay mapped.
 *  In:     a look from time to time        Out: fewer resident pages
 *  Owns:   nothing
 *  Thread: any; one at a time for a struct memory_watch */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MEMORY_LOOK_MS = 5000,    /* between two looks */
    MEMORY_IDLE_PERMILLE = 5, /* of one processor: a process that does less than this is idle */
    MEMORY_GAIN_KIB = 1024,   /* more resident than after the last time: with less there is nothing to gain */
};

/** Give back what can be had again: free heap pages, and pages of programs and libraries that are never written, which come back
 *  from the page cache when they are touched. Some 0.3 ms. Code stays as it is while a debugger is attached, whose breakpoints are
 *  written into it. */
void memory_give_back(void);

struct memory_watch { /* zero-initialise */
    int64_t looked_ms, cpu_ms;
    int64_t left_kib; /* resident after memory was last given back */
};

/** Call it every MEMORY_LOOK_MS or so: gives back when the process was idle since the call before and holds more than after the
 *  last time. @return whether it did */
bool memory_look(struct memory_watch *w);

#endif
