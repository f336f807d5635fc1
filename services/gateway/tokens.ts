/**
 * Tokens of clients. A token is 256 random bits that are shown once; what is kept is its SHA-256, of which
 * the first digits are its public name. What it stands for is a list of capabilities, until a time.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Store } from "../host/store.ts";
import type { Token } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";

export const TOKEN_PREFIX = "aios_";
const SECRET_BYTES = 32;
const ID_DIGITS = 12;
/** With so many, those that are over are forgotten. */
const TOKENS_MAX = 1000;
const KEY = "token/";

/** As it is kept. */
export interface TokenRecord extends Token {
  /** SHA-256 of the token, hexadecimal. */
  readonly digest: string;
}

export const digestOf = (token: string): string => createHash("sha256").update(token).digest("hex");

/** The same time for a first wrong digit as for a last one. */
export const sameDigest = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

export const makeSecret = (): string =>
  TOKEN_PREFIX + randomBytes(SECRET_BYTES).toString("base64url");

export class Tokens {
  private readonly store: Store;
  private readonly records: Map<string, TokenRecord>;

  private constructor(store: Store, records: Map<string, TokenRecord>) {
    this.store = store;
    this.records = records;
  }

  static async load(store: Store): Promise<Tokens> {
    const kept = (await store.list(KEY)).map(([, record]) => record as TokenRecord);
    return new Tokens(store, new Map(kept.map((record) => [record.id, record])));
  }

  /** What a token stands for; null for one that isn't known, or is over. */
  find(token: string, now = Date.now() / 1000): TokenRecord | null {
    const digest = digestOf(token);
    const record = this.records.get(digest.slice(0, ID_DIGITS));
    if (!record || !sameDigest(record.digest, digest)) return null;
    return record.expires !== null && record.expires <= now ? null : record;
  }

  list(): Token[] {
    return [...this.records.values()].map(({ digest: _, ...shown }) => shown);
  }

  /**
   * Makes one: the secret is in what is returned, and nowhere else.
   * @throws RequestError quota-exceeded; bad-token: the one that it is made with has been revoked meanwhile
   */
  async create(wanted: Omit<Token, "id" | "created">): Promise<Token & { token: string }> {
    if (this.records.size >= TOKENS_MAX) await this.forgetOver();
    if (this.records.size >= TOKENS_MAX)
      throw new RequestError("quota-exceeded", `${TOKENS_MAX} tokens are the most`);
    if (wanted.by !== null && !this.records.has(wanted.by))
      throw new RequestError("bad-token", "the token was revoked");
    const token = makeSecret();
    const digest = digestOf(token);
    const shown: Token = {
      ...wanted,
      id: digest.slice(0, ID_DIGITS),
      created: Math.floor(Date.now() / 1000),
    };
    if (this.records.has(shown.id)) return await this.create(wanted);
    const record = { ...shown, digest };
    this.records.set(shown.id, record);
    await this.store.write([{ key: KEY + shown.id, value: record }]);
    return { ...shown, token };
  }

  /** Revokes a token and all that were made with it: their names. @throws RequestError not-found */
  async revoke(id: string): Promise<string[]> {
    if (!this.records.has(id)) throw new RequestError("not-found", `there is no token ${id}`);
    const gone = [id];
    for (const parent of gone)
      for (const { id: child, by } of this.records.values()) if (by === parent) gone.push(child);
    await this.forget(gone);
    return gone;
  }

  private async forgetOver(): Promise<void> {
    const now = Date.now() / 1000;
    const over = this.list().filter(({ expires }) => expires !== null && expires <= now);
    await this.forget(over.map(({ id }) => id));
  }

  private async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.records.delete(id);
    await this.store.write(ids.map((id) => ({ key: KEY + id })));
  }
}
