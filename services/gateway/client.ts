/** A client's agent: asks what its client asks, with what its client may. */
import type { Message } from "../../sdk/agent/messages.ts";
import { agent } from "../../sdk/agent/sys.ts";
import { Peers } from "../host/peers.ts";
import { Caller } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { decode } from "../messages/json.ts";
import { TOKEN_METHODS } from "../messages/token-methods.ts";
import type { ClientRequest, Clients } from "./clients.ts";

/** What it is told: handles of its scopes. */
export interface ClientBirth {
  readonly client: number;
  readonly scopes: readonly number[];
}

const serviceOf = (method: string): string =>
  Object.hasOwn(TOKEN_METHODS, method) ? "gateway" : "orchestrator";

export const clientProgram = (host: { readonly clients: Clients }) =>
  agent(function* (sys) {
    const { client, scopes } = decode((yield* sys.receive()).bytes) as ClientBirth;
    const { parent } = yield* sys.info(sys.self);
    const side = host.clients.byNumber(client);
    const tasks = new Tasks(sys);
    const peers = new Peers(tasks, parent);
    const caller = new Caller(tasks, peers);
    const proofs: string[] = [];
    for (const scope of scopes)
      proofs.push(Buffer.from(yield* sys.token(scope)).toString("base64"));

    function* ask(
      { method, params, resolve, reject }: ClientRequest,
      done: () => void,
    ): Work<void> {
      try {
        const asked = { params, proofs };
        const { result } = yield* caller.askService(serviceOf(method), method, asked);
        resolve(result);
      } catch (error) {
        reject(RequestError.from(error));
      }
      done();
    }
    yield* tasks.run({
      *message(message: Message) {
        if (message.sender !== parent) return;
        for (const { request, done } of side.take()) tasks.start(ask(request, done));
      },
    });
  });
