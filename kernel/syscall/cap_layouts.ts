/**
 * Structures of the calls on capabilities and on the audit ring: offsets in bytes, little endian,
 * aligned to 8 bytes; reserved fields must be 0. Portable.
 */

/** CapDerive. u64: capability to the agent that gets the new one (AGENT, SEND); 0: the caller. */
export const DERIVE_HOLDER = 0;
/** u32: rights; none that the old one has not. */
export const DERIVE_RIGHTS = 8;
/** u32: mask of a scope; no bit that the old one has not. 0 for anything else. */
export const DERIVE_MASK = 12;
/** u64, ns: virtual time from which it is worth nothing; 0: the same as the old one's. */
export const DERIVE_EXPIRY = 16;
/** u32: bytes of a scope, which begin with the old one's. 0 for anything else. */
export const DERIVE_SCOPE_BYTES = 24;
export const DERIVE_RESERVED = 28;
/** 32 bytes, zero behind the last one. */
export const DERIVE_SCOPE = 32;
export const DERIVE_BYTES = 64;

/** CapInspect: the scope that a token is asked about. */
/** u32: mask; u32: bytes. */
export const SCOPE_MASK = 0;
export const SCOPE_LENGTH = 4;
/** 32 bytes. */
export const SCOPE_TEXT = 8;
export const SCOPE_BYTES = 40;

/** A token (kernel/cap/token.ts draws it). */
export const TOKEN_ID = 0;
export const TOKEN_AGENT = 8;
export const TOKEN_OBJECT = 16;
export const TOKEN_EXPIRY = 24;
export const TOKEN_EPOCH = 32;
/** u32 */
export const TOKEN_RIGHTS = 40;
/** u16, u16 */
export const TOKEN_KIND = 44;
export const TOKEN_SCOPE_BYTES = 46;
/** u32 */
export const TOKEN_SCOPE_MASK = 48;
export const TOKEN_SCOPE = 56;
export const TOKEN_MAC = 88;
export const TOKEN_BYTES = 96;

/** CapRevoke: what is revoked. */
export const REVOKE_DESCENDANTS = 0;
/** The capability goes as well: whoever holds one may give it up. */
export const REVOKE_ITSELF = 1;

/** An audit record (kernel/audit/kinds.ts says what its fields hold). */
export const RECORD_SEQUENCE = 0;
export const RECORD_TIME = 8;
export const RECORD_AGENT = 16;
export const RECORD_OBJECT = 24;
/** u16, u16, u32 */
export const RECORD_KIND = 32;
export const RECORD_CPU = 34;
export const RECORD_STATUS = 36;
export const RECORD_DETAIL = 40;
export const RECORD_A = 48;
export const RECORD_B = 56;
export const RECORD_BYTES = 64;
/** Bytes that an agent writes into one: detail, a, b. */
export const APPEND_BYTES_MAX = 24;
