/** Clients as the host sees them: each has a number, what it may do, and requests on their way to its agent. */
import { type Bell, Door } from "../host/door.ts";
import { RequestError } from "../messages/errors.ts";

export interface ClientRequest {
  readonly method: string;
  readonly params: unknown;
  resolve(result: unknown): void;
  reject(error: RequestError): void;
}

/** One client, on the host's side of its agent. */
export class ClientSide {
  readonly number: number;
  readonly capabilities: readonly string[];
  readonly door: Door;
  private readonly early: ClientRequest[] = [];
  private take: ((request: ClientRequest) => void) | null = null;

  constructor(number: number, capabilities: readonly string[], bell: Bell) {
    this.number = number;
    this.capabilities = capabilities;
    this.door = new Door(bell);
  }

  /** What a client asks, and the answer. */
  call(method: string, params: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const request: ClientRequest = { method, params, resolve, reject };
      const { take } = this;
      if (take) this.door.post(() => take(request));
      else this.early.push(request);
    });
  }

  /** @internal Its agent has begun. */
  serve(take: (request: ClientRequest) => void): void {
    this.take = take;
    for (const request of this.early.splice(0)) take(request);
  }
}

export class Clients {
  private readonly bell: (number: number) => Bell;
  private readonly all = new Map<number, ClientSide>();
  private begin: ((client: ClientSide) => void) | null = null;
  private next = 1;

  /** `bell` gives what wakes the agent of a client. */
  constructor(bell: (number: number) => Bell) {
    this.bell = bell;
  }

  /** A new client with these capabilities; "*" for all. */
  open(capabilities: readonly string[]): ClientSide {
    const number = this.next++;
    const client = new ClientSide(number, capabilities, this.bell(number));
    this.all.set(number, client);
    this.begin?.(client);
    return client;
  }

  /** @throws RequestError not-found */
  byNumber(number: number): ClientSide {
    const client = this.all.get(number);
    if (!client) throw new RequestError("not-found", `there is no client ${number}`);
    return client;
  }

  /** @internal The gateway's agent has begun. */
  serve(begin: (client: ClientSide) => void): void {
    this.begin = begin;
    for (const client of this.all.values()) begin(client);
  }
}
