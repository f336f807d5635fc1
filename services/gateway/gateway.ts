/**
 * The gateway's agents. For each client that has shown a token there is an agent that holds what the token
 * stands for and nothing else; what the client asks, that agent asks. So it isn't the gateway that decides
 * what a client may: it is the kernel, which knows who has sent a message and what it holds.
 *
 *   HTTP ──▶ inbox ─ ─ bell ─ ─▶ client agent ──▶ orchestrator
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import type { Door } from "../host/door.ts";
import { introduction, Peers } from "../host/peers.ts";
import { Caller } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
import { parseCapability, scopeOf, VERBS } from "../messages/scope.ts";
import type { Handles } from "../messages/system.ts";
import type { ClientSide, Clients } from "./clients.ts";

export const CLIENT_IMAGE = "client";
const CLIENT_QUOTA = 1024 * 1024;

export interface GatewayHost {
  readonly clients: Clients;
  readonly door: Door;
}

/** What a client agent is told: handles of its scopes. */
interface ClientBirth {
  readonly client: number;
  readonly scopes: readonly number[];
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
  private readonly children: number[] = [];

  constructor(sys: Sys, handles: Handles, parent: number, host: GatewayHost) {
    this.sys = sys;
    this.handles = handles;
    this.host = host;
    this.tasks = new Tasks(sys, host.door);
    this.peers = new Peers(parent);
  }

  *run(): Step<never> {
    const { peers, host, tasks } = this;
    peers.onIntroduction((_name, _now, before) => {
      if (before) for (const child of this.children) tasks.start(this.introduce(child));
    });
    host.clients.serve((client) => host.door.post(() => tasks.start(this.open(client))));
    return yield* tasks.run({
      *message(message: Message) {
        peers.hear(message);
      },
    });
  }

  /** Starts the agent of a client, and gives it what its token stands for. */
  private *open(client: ClientSide): Work<void> {
    const { sys } = this;
    const image = yield* sys.image(CLIENT_IMAGE, this.handles.kernel);
    const child = yield* sys.spawn({ image, quota: CLIENT_QUOTA });
    yield* sys.drop(image);
    const holder = child.capability;
    const scopes: number[] = [];
    for (const text of client.capabilities) {
      const scope =
        text === "*"
          ? {
              bytes: new Uint8Array(),
              mask: Object.values(VERBS).reduce((all, bit) => all | bit, 0),
            }
          : scopeOf(parseCapability(text));
      scopes.push(yield* sys.derive(this.handles.scopes, { holder, scope }));
    }
    const birth: ClientBirth = { client: client.number, scopes };
    yield* sys.send(holder, encode(birth));
    this.children.push(holder);
    yield* this.introduce(holder);
  }

  /** Clients' agents know the orchestrator from here. */
  private *introduce(holder: number): Work<void> {
    const { sys } = this;
    const orchestrator = yield* this.peers.get("orchestrator");
    const sends = yield* sys.derive(orchestrator.capability, { rights: RIGHT_SEND | RIGHT_DERIVE });
    yield* sys.send(holder, introduction("orchestrator", orchestrator.id), sends);
  }
}

/** A client's agent. */
export const clientProgram = (host: GatewayHost) =>
  agent(function* (sys) {
    const { client, scopes } = decode((yield* sys.receive()).bytes) as ClientBirth;
    const { parent } = yield* sys.info(sys.self);
    const side = host.clients.byNumber(client);
    const peers = new Peers(parent);
    const tasks = new Tasks(sys, side.door);
    const caller = new Caller(tasks, peers);
    const proofs: string[] = [];
    for (const scope of scopes)
      proofs.push(Buffer.from(yield* sys.token(scope)).toString("base64"));
    side.serve((request) =>
      tasks.start(
        (function* (): Work<void> {
          try {
            const { method, params } = request;
            const asked = { params, proofs };
            const { result } = yield* caller.askService("orchestrator", method, asked);
            request.resolve(result);
          } catch (error) {
            request.reject(RequestError.from(error));
          }
        })(),
      ),
    );
    yield* tasks.run({
      *message(message: Message) {
        peers.hear(message);
      },
    });
  });
