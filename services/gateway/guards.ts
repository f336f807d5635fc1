/** What every request passes before it is anybody's: where it was sent to, from where, and how often. */
import { RequestError } from "../messages/errors.ts";

/** Names of this computer to itself. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "[::1]", "localhost"];
const AUTHORITY = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/i;
const HTTP_PORT = 80;

/**
 * A page of any site can have its name resolve to this computer and then ask as if it came from there (DNS
 * rebinding); its requests have that name as their host. Others come with the site as their origin.
 * @throws RequestError denied
 */
export function requireLocal(
  host: string | undefined,
  origin: string | undefined,
  port: number,
): void {
  if (!isLocal(host, port))
    throw new RequestError("denied", `host: ${LOOPBACK.join(`:${port}, `)}:${port} is meant`);
  if (origin !== undefined && !(origin.startsWith("http://") && isLocal(origin.slice(7), port)))
    throw new RequestError("denied", "origin: other sites may not ask");
}

function isLocal(authority: string | undefined, port: number): boolean {
  const [, name = "", said] = AUTHORITY.exec(authority ?? "") ?? [];
  return LOOPBACK.includes(name.toLowerCase()) && Number(said ?? HTTP_PORT) === port;
}

export interface Rate {
  /** Requests a second that go on for ever. */
  readonly perSecond: number;
  /** Requests at once, after a time without any. */
  readonly burst: number;
}

/** A bucket that fills evenly, of which each request takes one (a token bucket). */
class Bucket {
  private readonly rate: Rate;
  private left: number;
  private at: number;

  constructor(rate: Rate, now: number) {
    this.rate = rate;
    this.left = rate.burst;
    this.at = now;
  }

  /** Seconds until there is one more; 0 when one was taken. */
  take(now: number): number {
    const { perSecond, burst } = this.rate;
    this.left = Math.min(burst, this.left + ((now - this.at) / 1000) * perSecond);
    this.at = now;
    if (this.left < 1) return (1 - this.left) / perSecond;
    this.left--;
    return 0;
  }
}

/** Refused for now. */
export class TooOften extends RequestError {
  /** Whole seconds, for Retry-After. */
  readonly after: number;

  constructor(seconds: number) {
    super("too-many-requests", "too many requests in a short time");
    this.after = Math.max(1, Math.ceil(seconds));
  }
}

/** So many at once, of all who ask and of each. */
export class AtOnce {
  private readonly what: string;
  private readonly most: { readonly all: number; readonly each: number };
  private readonly counts = new Map<object, number>();
  private all = 0;

  /** `what` there are so many of, for the message. */
  constructor(what: string, most: { readonly all: number; readonly each: number }) {
    this.what = what;
    this.most = most;
  }

  /** Returns what ends it, which is called once. @throws RequestError too-many-requests */
  enter(who: object): () => void {
    const { what, most, counts } = this;
    const count = counts.get(who) ?? 0;
    const refuse = (number: number, whose: string) =>
      new RequestError("too-many-requests", `${number} ${what} at once are the most${whose}`);
    if (count >= most.each) throw refuse(most.each, " of a client");
    if (this.all >= most.all) throw refuse(most.all, "");
    this.all++;
    counts.set(who, count + 1);
    return () => {
      this.all--;
      const left = (counts.get(who) ?? 1) - 1;
      if (left > 0) counts.set(who, left);
      else counts.delete(who);
    };
  }
}

/** A bucket for each who asks, as long as there is one. */
export class Rates {
  private readonly rate: Rate;
  private readonly buckets = new WeakMap<object, Bucket>();

  constructor(rate: Rate) {
    this.rate = rate;
  }

  /** `now` in milliseconds. @throws TooOften */
  require(who: object, now = performance.now()): void {
    const bucket = this.buckets.get(who) ?? new Bucket(this.rate, now);
    this.buckets.set(who, bucket);
    const wait = bucket.take(now);
    if (wait > 0) throw new TooOften(wait);
  }
}
