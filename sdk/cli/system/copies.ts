/** Copies of agents: clones that run, and snapshots to which an agent is brought back. */
import type { Result } from "../../../services/messages/api.ts";
import { eachOf } from "./complain.ts";
import {
  type Act,
  chosen,
  isNamed,
  named,
  nameIn,
  requireNames,
  said,
  say,
  show,
} from "./context.ts";
import type { Column } from "./table.ts";
import { bytes, span } from "./units.ts";

type Snapshot = Result<"snapshot.list">[number];

const COLUMNS: readonly Column<Snapshot>[] = [
  { title: "SNAPSHOT", of: ({ id }) => id },
  { title: "PROJECT", of: ({ project }) => project },
  { title: "AGENT", of: ({ agent }) => agent },
  { title: "AGE", of: ({ created }) => span(Date.now() / 1000 - created), right: true },
  { title: "SIZE", of: ({ bytes: size }) => bytes(size), right: true },
];

const byId = ({ id: name, project }: Snapshot) => ({ name, project });

const clone: Act = async (context, [agent = ""], options) => {
  const { name } = options as { name?: string };
  const made = await context.client.call("agent.clone", {
    ...named(context, agent),
    ...said({ as: name }),
  });
  say(context, context.options.json ? JSON.stringify(made, null, 2) : made.name);
  return undefined;
};

const snapshot: Act = async (context, [agent = ""], options) => {
  const { id } = options as { id?: string };
  const asked = { ...named(context, agent), ...said({ id }) };
  const taken = await context.client.call("agent.snapshot", asked);
  say(context, context.options.json ? JSON.stringify(taken, null, 2) : taken.id);
  return undefined;
};

const snapshots: Act = async (context, ids, options) => {
  const { project } = context.options;
  const { rm } = options as { rm?: boolean };
  if (!rm) {
    const all = await context.client.call("snapshot.list", said({ project }));
    const isIt = isNamed(context);
    const shown = chosen(all, ids, "snapshot", (it, id) => isIt(byId(it), id));
    return show(context, shown, COLUMNS, (it) => nameIn(context)(byId(it)));
  }
  requireNames(ids, "snapshot");
  return await eachOf(context, ids, async (text) => {
    const { name: id, project: its } = named(context, text);
    await context.client.call("snapshot.remove", { id, project: its });
    say(context, context.options.json ? JSON.stringify({ removed: text }) : text);
  });
};

const rollback: Act = async (context, [agent = "", id]) => {
  const asked = { ...named(context, agent), ...said({ snapshot: id }) };
  const back = await context.client.call("agent.rollback", asked);
  say(context, context.options.json ? JSON.stringify(back, null, 2) : back.name);
  return undefined;
};

export const COPY_ACTS: Readonly<Record<string, Act>> = { clone, snapshot, snapshots, rollback };
