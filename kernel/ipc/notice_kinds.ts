/** What a notice tells an agent. Portable. */
/** An agent that it spawned, cloned or split off has started. */
export const NOTICE_STARTED = 1;
/** A child of it is over, with its whole tree: all that they held has been given back. */
export const NOTICE_ENDED = 2;
/** A service has completed an operation that it asked for (PQCOperation). */
export const NOTICE_COMPLETED = 3;
