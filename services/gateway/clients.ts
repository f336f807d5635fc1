/**
 * Clients as the host sees them: what each may do, and requests on their way to its agent. An agent is
 * there from the first request on; whether it still is, the gateway's agent knows.
 */
import type { Door } from "../host/door.ts";
import type { MethodName } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";

/** What a client stands for. */
export interface Holder {
  /** Of the token; null for the owner. */
  readonly id: string | null;
  /** As text; null for all that there is. */
  readonly capabilities: readonly string[] | null;
  /** Seconds since 1970; null for never. */
  readonly expires: number | null;
}

export const OWNER: Holder = { id: null, capabilities: null, expires: null };

export interface ClientRequest {
  readonly method: MethodName;
  readonly params: unknown;
  resolve(result: unknown): void;
  reject(error: RequestError): void;
}

/** A client as those see it who ask for it. */
export interface Asker {
  readonly holder: Holder;
  /** What it asks, and the answer. @throws RequestError as it is refused */
  call(method: MethodName, params: unknown): Promise<unknown>;
}

/** Requests of one client that are under way or wait. */
const REQUESTS_MAX = 256;

/** One client, on the host's side of its agent. */
export class ClientSide implements Asker {
  readonly number: number;
  readonly holder: Holder;
  /** Milliseconds since 1970 of its last request. */
  used = Date.now();
  private readonly call_: () => void;
  private readonly waiting: ClientRequest[] = [];
  private readonly underWay = new Set<ClientRequest>();
  private called = false;
  private over: RequestError | null = null;

  /** `call` tells its agent that something waits. */
  constructor(number: number, holder: Holder, call: () => void) {
    this.number = number;
    this.holder = holder;
    this.call_ = call;
  }

  get requests(): number {
    return this.waiting.length + this.underWay.size;
  }

  /** What a client asks, and the answer. @throws RequestError as it is refused */
  call(method: MethodName, params: unknown): Promise<unknown> {
    this.used = Date.now();
    return new Promise((resolve, reject) => {
      if (this.over) return reject(this.over);
      if (this.requests >= REQUESTS_MAX)
        return reject(
          new RequestError("too-many-requests", `${REQUESTS_MAX} requests at once are the most`),
        );
      this.waiting.push({ method, params, resolve, reject });
      if (!this.called) this.call_();
      this.called = true;
    });
  }

  /** @internal Its agent takes what waits; `done` when it has been answered. */
  take(): { readonly request: ClientRequest; readonly done: () => void }[] {
    this.called = false;
    return this.waiting.splice(0).map((request) => {
      this.underWay.add(request);
      return { request, done: () => void this.underWay.delete(request) };
    });
  }

  /** @internal Its agent is over: what that had begun isn't answered. Whether more waits. */
  ended(why: RequestError): boolean {
    for (const request of this.underWay) request.reject(why);
    this.underWay.clear();
    this.called = this.waiting.length > 0;
    return this.called;
  }

  /** Nothing is answered any more. */
  close(why: RequestError): void {
    this.over = why;
    for (const request of this.waiting.splice(0)) request.reject(why);
    this.ended(why);
  }
}

/** The gateway's agent, as the host knows it. */
export interface Attendant {
  /** A client has something to say. */
  attend(client: ClientSide): void;
  /** A client is no more: its authority ends at once. */
  dismiss(client: ClientSide): void;
}

export class Clients {
  private readonly door: Door;
  private readonly all = new Map<number, ClientSide>();
  private attendant: Attendant | null = null;
  private next = 1;

  /** `door` is the gateway's. */
  constructor(door: Door) {
    this.door = door;
  }

  open(holder: Holder): ClientSide {
    const number = this.next++;
    const client: ClientSide = new ClientSide(number, holder, () =>
      this.door.post(() => this.attendant?.attend(client)),
    );
    this.all.set(number, client);
    return client;
  }

  /** Ends a client: what it asks and has asked is refused. Not while the machine runs. */
  close(client: ClientSide, why: RequestError): void {
    if (!this.all.delete(client.number)) return;
    client.close(why);
    this.door.post(() => this.attendant?.dismiss(client));
  }

  /** @throws RequestError not-found */
  byNumber(number: number): ClientSide {
    const client = this.all.get(number);
    if (!client) throw new RequestError("not-found", `there is no client ${number}`);
    return client;
  }

  /** @internal The gateway's agent has begun; agents of clients that there were ended with the last one. */
  serve(attendant: Attendant): void {
    this.attendant = attendant;
    const why = new RequestError("unavailable", "the gateway has ended; it is started again");
    for (const client of this.all.values()) if (client.ended(why)) attendant.attend(client);
  }
}
