/** Capabilities of agents, and images. */
import type { Image, Result } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import { eachOf } from "./complain.ts";
import { type Act, type Context, named, report, say, show } from "./context.ts";
import { bring } from "./images.ts";
import type { Column } from "./table.ts";
import { bytes, span } from "./units.ts";

type Capability = Result<"agent.caps">[number];

const CAPABILITY_COLUMNS: readonly Column<Capability>[] = [
  { title: "CAPABILITY", of: ({ text }) => text },
  { title: "HANDLE", of: ({ handle }) => String(handle ?? "-"), right: true },
];

const listCaps = async (context: Context, agent: string) =>
  show(
    context,
    await context.client.call("agent.caps", named(context, agent)),
    CAPABILITY_COLUMNS,
    ({ text }) => text,
  );

const changeCaps =
  (method: "agent.grant" | "agent.revoke") =>
  async (context: Context, agent: string, capabilities: readonly string[]) => {
    if (capabilities.length === 0)
      throw new RequestError(
        "bad-request",
        `which capability of ${agent}? Like FS_READ:/projects/demo`,
      );
    for (const capability of capabilities)
      await context.client.call(method, { ...named(context, agent), capability });
    return context.options.json ? listCaps(context, agent) : say(context, capabilities.join("\n"));
  };

const CAPS: Readonly<
  Record<string, (context: Context, agent: string, more: readonly string[]) => Promise<unknown>>
> = {
  list: listCaps,
  grant: changeCaps("agent.grant"),
  revoke: changeCaps("agent.revoke"),
};

const caps: Act = async (context, [action = "", agent, ...more]) => {
  const change = Object.hasOwn(CAPS, action) && agent !== undefined ? CAPS[action] : undefined;
  if (!change && agent !== undefined)
    throw new RequestError("bad-request", `caps ${action}: one of ${Object.keys(CAPS).join(", ")}`);
  await (change ?? listCaps)(context, agent ?? action, more);
  return undefined;
};

const DIGEST_FROM = "sha256:".length;
const DIGEST_SHOWN = 12;

const IMAGE_COLUMNS: readonly Column<Image>[] = [
  { title: "REFERENCE", of: ({ reference }) => reference ?? "<none>" },
  { title: "VERSION", of: ({ version }) => version },
  { title: "DIGEST", of: ({ digest }) => digest.slice(DIGEST_FROM, DIGEST_FROM + DIGEST_SHOWN) },
  { title: "RUNTIME", of: ({ runtime }) => runtime },
  { title: "SIZE", of: (image) => bytes(image.bytes), right: true },
  { title: "AGE", of: ({ created }) => span(Date.now() / 1000 - created), right: true },
];

const images: Act = async (context) =>
  show(
    context,
    await context.client.call("image.list", {}),
    IMAGE_COLUMNS,
    ({ reference, digest }) => reference ?? digest,
  );

const load: Act = async (context, files) => {
  return await eachOf(context, files, async (file) => {
    const image = await bring(context, file);
    if (!image) throw new RequestError("bad-request", `${file}: there is no such file`);
    report(context, image, image.digest);
  });
};

const rmi: Act = async (context, references) =>
  await eachOf(context, references, async (reference) => {
    await context.client.call("image.remove", { reference });
    say(context, context.options.json ? JSON.stringify({ removed: reference }) : reference);
  });

export const CAP_ACTS: Readonly<Record<string, Act>> = { caps, images, load, rmi };
