/** Types of endpoints. Portable. */
export const ENDPOINT_QUEUE = 1;
export const ENDPOINT_PIPE = 2;
/** A counter: signals add to it, a wait takes one off. */
export const ENDPOINT_EVENT = 3;
/** An event with an owner, who runs on the time of those that wait for it. */
export const ENDPOINT_MUTEX = 4;
