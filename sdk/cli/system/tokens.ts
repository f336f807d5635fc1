/** Tokens of clients: what each stands for, until when. */
import type { Token } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import { eachOf } from "./complain.ts";
import { type Act, type Context, chosen, report, said, show } from "./context.ts";
import type { Column } from "./table.ts";
import { span } from "./units.ts";

interface TokenOptions {
  readonly create?: string;
  readonly cap?: readonly string[];
  /** Seconds from now. */
  readonly expires?: number;
  readonly revoke?: boolean;
}

const left = ({ expires }: Token): string => {
  if (expires === null) return "never";
  const seconds = expires - Date.now() / 1000;
  return seconds <= 0 ? "over" : `in ${span(seconds)}`;
};

const COLUMNS: readonly Column<Token>[] = [
  { title: "TOKEN", of: ({ id }) => id },
  { title: "NAME", of: ({ name }) => name },
  { title: "AGE", of: ({ created }) => span(Date.now() / 1000 - created), right: true },
  { title: "EXPIRES", of: left },
  { title: "MADE BY", of: ({ by }) => by ?? "owner" },
  { title: "CAPABILITIES", of: ({ capabilities }) => capabilities.join(" ") },
];

/** The token itself is shown once, and nothing beside it: for a variable of a script. */
async function create(context: Context, name: string, options: TokenOptions): Promise<undefined> {
  const { cap = [], expires } = options;
  if (cap.length === 0)
    throw new RequestError("bad-request", "what may it do? Add --cap, like --cap PROC_READ:demo");
  const asked = { name, capabilities: [...cap], ...said({ expires }) };
  const made = await context.client.call("token.create", asked);
  return report(context, made, made.token);
}

async function revoke(context: Context, ids: readonly string[]): Promise<number> {
  if (ids.length === 0)
    throw new RequestError("bad-request", 'which token? "aios tokens" lists them');
  return await eachOf(context, ids, async (id) => {
    const { revoked } = await context.client.call("token.revoke", { id });
    report(context, { revoked }, revoked.join("\n"));
  });
}

const tokens: Act = async (context, ids, given) => {
  const options = given as TokenOptions;
  if (options.revoke) return await revoke(context, ids);
  if (options.create !== undefined) return await create(context, options.create, options);
  const all = await context.client.call("token.list", {});
  const shown = chosen(all, ids, "token", (it, id) => it.id === id);
  return show(context, shown, COLUMNS, ({ id }) => id);
};

export const TOKEN_ACTS: Readonly<Record<string, Act>> = { tokens };
