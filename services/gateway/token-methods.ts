/** What the gateway answers itself: tokens. Whether the asker may, has been checked by then. */
import type { Implementation } from "../host/checks.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { TOKEN_METHODS } from "../messages/token-methods.ts";
import type { Access } from "./access.ts";
import type { ClientSide } from "./clients.ts";

interface Wanted {
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly expires?: number | undefined;
}

export function tokenMethods(
  tasks: Tasks,
  access: Access,
  clientOf: (sender: number) => ClientSide,
): Record<keyof typeof TOKEN_METHODS, Implementation> {
  function* create({ name, capabilities, expires }: Wanted, sender: number): Work<unknown> {
    const { id: by, expires: end } = clientOf(sender).holder;
    const wanted = expires === undefined ? end : Date.now() / 1000 + expires;
    if (end !== null && wanted !== null && wanted > end)
      throw new RequestError("denied", "no token lasts longer than the one it is made with");
    const token = { name, capabilities: [...capabilities], expires: wanted, by };
    return yield* tasks.host(() => access.tokens.create(token));
  }
  return {
    "token.create": create,
    *"token.list"() {
      return access.tokens.list();
    },
    *"token.revoke"({ id }: { id: string }) {
      return { revoked: yield* tasks.host(() => access.revoke(id)) };
    },
  };
}
