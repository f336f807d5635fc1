/** What the prelude asks of the driver: the first argument of its one host function. */

// Streams, time, chance and texts. What is refused is an errno below 0.
/** (descriptor, text or bytes): writes all of it; 0. */
export const OP_WRITE = 0;
/** (descriptor): what there is, 65,536 bytes at most; none at the end. */
export const OP_READ = 1;
/** (code): ends the agent. */
export const OP_EXIT = 2;
/** (): virtual time, ns, a bigint. */
export const OP_NOW = 3;
/** (count): so many bytes of the agent's random stream. */
export const OP_RANDOM = 4;
/** (): a number of [0, 1) from the agent's own generator. */
export const OP_CHANCE = 5;
/** (which): a text that the host has. */
export const OP_TEXT = 6;
/** (text): its bytes in UTF-8. */
export const OP_ENCODE = 7;
/** (bytes): the text that they are in UTF-8. */
export const OP_DECODE = 8;
/** (turn, report, rejected, begin): the prelude's functions that the driver calls. */
export const OP_HOOKS = 9;

// System calls. What is refused is a status: above 0, or below 0 where a capability is answered.
/** (): the agent's identifier. */
export const OP_WHO = 10;
/** (name): what stands for the capability of that name, below 0; 0 when there is none. */
export const OP_FIND = 11;
/** (to, bytes, capability): 0. */
export const OP_SEND = 12;
/** (from): [bytes, sender, capability]. */
export const OP_RECEIVE = 13;
/** (deadline, flags, ...queues): [kind, index, agent, reason, code] of the table's event. */
export const OP_WAIT = 14;
/** (): a new queue's capability. */
export const OP_QUEUE = 15;
/** (queue): a capability with which one can only send to it. */
export const OP_SENDER = 16;
/** (capability): gives it up, and what was derived from it. */
export const OP_DROP = 17;
/** (): [identifier, capability] of a copy of the agent, both 0 in the copy. */
export const OP_CLONE = 18;
/** (image, arguments, quota, count, grants): [identifier, capability]. */
export const OP_SPAWN = 19;
/** (child, code): 0. */
export const OP_KILL = 20;

// Files. What is refused is an errno below 0.
/** (descriptor): the name of a folder that the agent has from its birth. */
export const OP_FOLDER = 21;
/** (folder, path, how, rights, flags): a descriptor. */
export const OP_OPEN = 22;
/** (descriptor): 0. */
export const OP_CLOSE = 23;
/** (descriptor, cookie): entries, as WASI has them. */
export const OP_ENTRIES = 24;
/** (folder, path): the status of what is there, as WASI has it. */
export const OP_STAT = 25;
/** (which, folder, path, other folder, other path): 0. */
export const OP_CHANGE = 26;

/** What OP_CHANGE does. */
export const CHANGE_CREATE_FOLDER = 0;
export const CHANGE_REMOVE_FOLDER = 1;
export const CHANGE_REMOVE_FILE = 2;
export const CHANGE_RENAME = 3;

/** Texts of the host. */
export const TEXT_PRELUDE = 0;
export const TEXT_NAMES = 1;
export const TEXT_SCRIPT = 2;
export const TEXT_TOLD = 3;

/** Where a runtime of the engine has the address below which its stack may not go. */
export const STACK_LIMIT_AT = 644;

/** Queues that one wait can name beside standard input; so many requests can be under way. */
export const QUEUES_MAX = 15;
/** Bytes of the largest message. */
export const MESSAGE_BYTES_MAX = 65536;
