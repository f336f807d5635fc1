/**
 * Records of a chain of system calls, in an agent's memory: RUNTIME_CHAIN makes the first one's call,
 * and what the kernel answers chooses the next record or ends the chain.
 *
 *    0 RAX (number)   8 RDI   16 RSI   24 RDX   32 R10   40 R8   48 R9
 *   56 status        u32: the refusal after which the chain goes on
 *   60 afterSuccess  i8: records from this one to the next; 0 ends the chain
 *   61 afterStatus   i8: the same after that refusal; any other ends the chain
 *   62 reserved      u16
 *
 * Little endian, aligned to its own size, so a record is on one page.
 */
export const CHAIN_BYTES = 64;
export const CHAIN_STATUS = 56;
export const CHAIN_AFTER_SUCCESS = 60;
export const CHAIN_AFTER_STATUS = 61;

/**
 * RBP while a chain runs: address and length of the bytes that the host gets when the last call has
 * succeeded. They are on one page; 0 for none.
 */
export const LOAD_BYTES_SHIFT = 48;
