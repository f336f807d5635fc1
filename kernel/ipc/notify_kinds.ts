/** Conditions of EndpointNotify. Portable. */
/** So many bytes or messages are there. */
export const NOTIFY_DATA = 1;
/** There is room for so many. */
export const NOTIFY_ROOM = 2;
/** The endpoint is closed, or its owner is over: neither will come. */
export const NOTIFY_GONE = 3;
