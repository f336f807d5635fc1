/**
 * The gateway's agent. For each client that has shown a token there is an agent that holds what the token
 * stands for and nothing else; what the client asks, that agent asks. So it isn't the gateway that decides
 * what a client may: it is the kernel, which knows who has sent a message and what it holds.
 *
 *   HTTP ──▶ inbox ─ ─ bell ─ ─▶ gateway ── bell ──▶ client agent ──▶ orchestrator
 *
 * What a client holds is derived from a scope of the gateway's own. When that is dropped the kernel takes
 * the client's away, and what the client has handed on, at once.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { checked } from "../host/checks.ts";
import type { Door } from "../host/door.ts";
import { Locks } from "../host/locks.ts";
import { introduction, type Peer, Peers } from "../host/peers.ts";
import { answering, sendPatiently } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
import { parseCapability, scopeOf, VERBS } from "../messages/scope.ts";
import type { Handles } from "../messages/system.ts";
import { TOKEN_METHODS } from "../messages/token-methods.ts";
import type { Access } from "./access.ts";
import type { ClientBirth } from "./client.ts";
import type { ClientSide, Clients } from "./clients.ts";
import { tokenMethods } from "./token-methods.ts";

export const CLIENT_IMAGE = "client";
/** Of the gateway's pool: some 120 clients can have agents at once. */
const CLIENT_QUOTA = 512 * 1024;
const ORCHESTRATOR = "orchestrator";
/** A client that has asked for nothing for so long has no agent any more. */
const IDLE_MS = 60_000;
const SWEEP_NS = 10_000_000_000n;
const NOTHING = new Uint8Array();
const EVERYTHING = {
  bytes: NOTHING,
  mask: Object.values(VERBS).reduce((all, bit) => all | bit, 0),
};

export interface GatewayHost {
  readonly clients: Clients;
  readonly access: Access;
  readonly door: Door;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
}

/** A client that has an agent. */
interface Attended {
  readonly client: ClientSide;
  readonly child: Child;
  /** The gateway's own, of which all the agent's are derived: one, so that a client takes little of its table. */
  readonly scope: number;
}

export const gatewayProgram = (host: GatewayHost) =>
  agent(function* (sys) {
    const handles = decode((yield* sys.receive()).bytes) as Handles;
    const { parent } = yield* sys.info(sys.self);
    yield* new Gateway(sys, handles, parent, host).run();
  });

class Gateway {
  private readonly sys: Sys;
  private readonly handles: Handles;
  private readonly host: GatewayHost;
  private readonly tasks: Tasks;
  private readonly peers: Peers;
  private readonly locks = new Locks();
  /** By number of the client. */
  private readonly attended = new Map<number, Attended>();
  /** Capabilities that can do no more than send, from which clients' agents have theirs. */
  private readonly sends = new Map<number, number>();
  /** Of clients' agents. */
  private image = 0;

  constructor(sys: Sys, handles: Handles, parent: number, host: GatewayHost) {
    this.sys = sys;
    this.handles = handles;
    this.host = host;
    this.tasks = new Tasks(sys, { door: host.door, kernel: handles.kernel });
    this.peers = new Peers(this.tasks, parent);
  }

  *run(): Step<never> {
    const { peers, host, tasks, locks } = this;
    peers.onIntroduction((_name, _now, before) => {
      if (!before) return;
      this.sends.delete(before.capability);
      for (const it of this.attended.values()) tasks.start(this.introduceAgain(it));
    });
    const inTurn = (client: ClientSide, work: Work<void>): void =>
      tasks.start(locks.hold(String(client.number), work));
    host.clients.serve({
      attend: (client) => inTurn(client, this.attend(client)),
      dismiss: (client) => inTurn(client, this.dismiss(client)),
    });
    tasks.start(this.sweep());
    const answer = this.answering();
    return yield* tasks.run({ message: answer, notice: (notice) => this.heard(notice) });
  }

  /** What clients' agents ask of the gateway itself. */
  private answering() {
    const { sys, tasks, host } = this;
    const methods = tokenMethods(tasks, host.access, (sender) => this.clientOf(sender));
    const table = Object.entries(methods).map(([name, run]) => [
      name,
      checked(sys, TOKEN_METHODS[name as keyof typeof TOKEN_METHODS], run),
    ]);
    return answering(tasks, Object.fromEntries(table));
  }

  /** @throws RequestError denied: it isn't a client's agent */
  private clientOf(sender: number): ClientSide {
    for (const { child, client } of this.attended.values()) if (child.id === sender) return client;
    throw new RequestError("denied", "only clients may ask for that");
  }

  /** Wakes the agent of a client, which is started if there is none. */
  private *attend(client: ClientSide): Work<void> {
    try {
      const { child } = this.attended.get(client.number) ?? (yield* this.open(client));
      yield* sendPatiently(this.tasks, child.capability, NOTHING);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      for (const { request, done } of client.take()) {
        done();
        request.reject(RequestError.from(error));
      }
    }
  }

  /** Starts the agent of a client, and gives it what its token stands for. */
  private *open(client: ClientSide): Work<Attended> {
    const it = yield* this.born(client);
    this.attended.set(client.number, it);
    try {
      yield* this.endow(it);
      yield* this.introduce(it.child, "gateway", { id: this.sys.id, capability: this.sys.self });
      yield* this.introduce(it.child, ORCHESTRATOR, yield* this.peers.get(ORCHESTRATOR));
    } catch (error) {
      yield* this.dismiss(client);
      throw error;
    }
    return it;
  }

  private *born(client: ClientSide): Work<Attended> {
    const { sys } = this;
    const { expires } = client.holder;
    const expiry = expires === null ? 0 : BigInt(Math.round((expires - this.host.epoch) * 1e9));
    const scope = yield* sys.derive(this.handles.scopes, { scope: EVERYTHING, expiry });
    try {
      this.image ||= yield* sys.image(CLIENT_IMAGE, this.handles.kernel);
      const child = yield* sys.spawn({ image: this.image, quota: CLIENT_QUOTA });
      return { client, child, scope };
    } catch (error) {
      yield* sys.drop(scope);
      throw error;
    }
  }

  private *endow({ client, child, scope }: Attended): Work<void> {
    const { capabilities } = client.holder;
    const parts = capabilities?.map((text) => scopeOf(parseCapability(text))) ?? [EVERYTHING];
    const scopes: number[] = [];
    for (const part of parts)
      scopes.push(yield* this.sys.derive(scope, { scope: part, holder: child.capability }));
    const birth: ClientBirth = { client: client.number, scopes };
    yield* sendPatiently(this.tasks, child.capability, encode(birth));
  }

  /** Clients' agents know services from here. */
  private *introduce({ capability }: Child, name: string, peer: Peer): Work<void> {
    const { sys, sends, tasks } = this;
    const known = sends.get(peer.capability);
    const own =
      known ?? (yield* sys.derive(peer.capability, { rights: RIGHT_SEND | RIGHT_DERIVE }));
    sends.set(peer.capability, own);
    yield* sendPatiently(tasks, capability, introduction(name, peer.id), own);
  }

  /** The orchestrator is another one. A client's agent that has ended, or takes nothing, hears of it no more. */
  private *introduceAgain({ client, child }: Attended): Work<void> {
    try {
      yield* this.introduce(child, ORCHESTRATOR, yield* this.peers.get(ORCHESTRATOR));
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      yield* this.locks.hold(String(client.number), this.dismiss(client));
    }
  }

  /** The kernel takes the client's authority, and then its agent ends. */
  private *dismiss(client: ClientSide): Work<void> {
    const it = this.attended.get(client.number);
    if (!it) return;
    yield* this.let(it);
    try {
      yield* this.sys.kill(it.child.capability);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof SyscallError)) throw error;
    }
    yield* this.sys.drop(it.child.capability);
  }

  private *let({ client, scope }: Attended): Work<void> {
    this.attended.delete(client.number);
    yield* this.sys.drop(scope);
  }

  private *heard(notice: Notice): Work<void> {
    if (notice.kind !== "ended") return;
    for (const it of this.attended.values()) {
      if (it.child.id !== notice.agent) continue;
      yield* this.let(it);
      yield* this.sys.drop(it.child.capability);
      const why = new RequestError("unavailable", "the client's agent has ended; ask again");
      if (it.client.ended(why)) yield* this.attend(it.client);
    }
  }

  /** The owner's agent stays: there may be no memory for a new one when it is needed most. */
  private *sweep(): Work<never> {
    while (true) {
      yield* this.tasks.sleep(SWEEP_NS);
      const since = Date.now() - IDLE_MS;
      for (const { client } of [...this.attended.values()])
        if (client.holder.id !== null && client.requests === 0 && client.used < since)
          yield* this.locks.hold(String(client.number), this.dismiss(client));
    }
  }
}
