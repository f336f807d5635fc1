/** Why an agent stopped running, as TRACE_DESCHEDULE says it. Portable. */
/** Another one's turn has come: by deadline, by share, or because the budget is used up. */
export const WHY_PREEMPTED = 1;
/** It gave the processor up. */
export const WHY_YIELDED = 2;
/** It waits, was suspended, or is over. */
export const WHY_STOPPED = 3;
