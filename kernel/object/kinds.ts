/** Kinds of kernel objects, as identifiers carry them. Portable. */
export const KIND_NONE = 0;
export const KIND_AGENT = 1;
export const KIND_CAPABILITY = 2;
export const KIND_POOL = 3;
export const KIND_ENDPOINT = 4;
export const KIND_REGION = 5;
export const KIND_TIMER = 6;
/** A block of frames that an agent holds by name (FrameAlloc). */
export const KIND_FRAME = 7;
export const KIND_IMAGE = 8;
/** Work that a userland service completes (PQCOperation). */
export const KIND_OPERATION = 9;
/** Authority over something that only userland understands: a byte string and a mask. */
export const KIND_SCOPE = 10;
/** What belongs to the kernel itself: the audit ring, the table of predictions. */
export const KIND_KERNEL = 11;
/** An address space; nobody names one. */
export const KIND_SPACE = 12;
export const KIND_MESSAGE = 13;
/** Nodes of an agent that waits for several things; nobody names them. */
export const KIND_WAIT = 14;
/** A range of an agent's addresses; nobody names one. */
export const KIND_MAPPING = 15;
export const KINDS = 16;
/** A bit for each kind. */
export const EVERY_KIND = (1 << KINDS) - 1;
