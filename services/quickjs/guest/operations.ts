/** What the prelude asks of the driver: the first argument of its one host function. */

/** (descriptor, text): writes all of it. */
export const OP_WRITE = 0;
/** (code): ends the agent. */
export const OP_EXIT = 1;
/** (): virtual time, ns, a bigint. */
export const OP_NOW = 2;
/** (count): so many bytes of the agent's random stream. */
export const OP_RANDOM = 3;
/** (): a number of [0, 1) from the agent's own generator. */
export const OP_CHANCE = 4;
/** (which): a text that the host has. */
export const OP_TEXT = 5;
/** (text): its bytes in UTF-8. */
export const OP_ENCODE = 6;
/** (bytes): the text that they are in UTF-8. */
export const OP_DECODE = 7;
/** (to, bytes, capability): a status. */
export const OP_SEND = 8;
/** (from): [bytes, sender, capability], or a status. */
export const OP_RECEIVE = 9;
/** (deadline, mailbox, ...queues): the queue's place in the list, or one of the two below. */
export const OP_WAIT = 10;
/** (): a new queue's capability, or below 0 a status. */
export const OP_QUEUE = 11;
/** (queue): a capability with which one can only send to it; below 0 a status. */
export const OP_SENDER = 12;
/** (capability): gives it up, and what was derived from it. */
export const OP_DROP = 13;
/** (turn, report, rejected, begin): the prelude's functions that the driver calls. */
export const OP_HOOKS = 14;

/** (name): what stands for the capability of that name, below 0; 0 when there is none. */
export const OP_FIND = 15;

/** Answers of OP_WAIT that are no places. */
export const WOKEN_DEADLINE = -1;
export const WOKEN_MAILBOX = -2;

/** Texts of the host. */
export const TEXT_PRELUDE = 0;
export const TEXT_STATUSES = 1;
export const TEXT_SCRIPT = 2;
export const TEXT_TOLD = 3;

/** Where a runtime of the engine has the address below which its stack may not go. */
export const STACK_LIMIT_AT = 644;

/** Queues that one wait can name; so many requests can be under way. */
export const QUEUES_MAX = 15;
/** Bytes of the largest message. */
export const MESSAGE_BYTES_MAX = 65536;
