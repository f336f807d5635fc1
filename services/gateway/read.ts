/** What a request says, read with limits: none of it is believed before. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { RequestError } from "../messages/errors.ts";

/** Of JSON: as much as goes to the orchestrator in one message. */
export const BODY_BYTES_MAX = 60 * 1024;
const DEPTH_MAX = 16;
/** Names by which an object's own prototype can be reached. */
const PROTOTYPE_KEYS: readonly string[] = ["__proto__", "prototype", "constructor"];
const DIGEST = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/;

type Values = Record<string, unknown>;

/** Parameters of a method: from the path, the query and the body; each at one place only. */
export async function readParams(context: Context): Promise<Values> {
  const params: Values = { ...(await readJson(context)) };
  for (const [key, value] of new URL(context.req.url).searchParams) add(params, key, value);
  for (const [key, value] of Object.entries(context.req.param() as Values)) add(params, key, value);
  return params;
}

function add(params: Values, key: string, value: unknown): void {
  requireKey(key, "parameters");
  if (Object.hasOwn(params, key))
    throw new RequestError("bad-request", `${key}: it is there twice`);
  params[key] = value;
}

function requireKey(key: string, place: string): void {
  if (PROTOTYPE_KEYS.includes(key))
    throw new RequestError("bad-request", `${place}: "${key}" is no name that can be given`);
}

/** The object in the body; nothing when there is none. @throws RequestError bad-request, too-large */
async function readJson(context: Context): Promise<Values> {
  const bytes = await readBody(context, BODY_BYTES_MAX);
  if (bytes.length === 0) return {};
  const type = context.req.header("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new RequestError("bad-request", "body: its content-type is to be application/json");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RequestError("bad-request", `body: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RequestError("bad-request", "body: an object is meant");
  requirePlain(value as Values);
  return value as Values;
}

/** Goes through all of it level by level, so that depth takes no stack. */
function requirePlain(value: Values): void {
  let level: object[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEPTH_MAX)
      throw new RequestError("bad-request", `body: it is deeper than ${DEPTH_MAX} levels`);
    const next: object[] = [];
    for (const it of level)
      for (const [key, inner] of Object.entries(it)) {
        if (!Array.isArray(it)) requireKey(key, "body");
        if (typeof inner === "object" && inner !== null) next.push(inner);
      }
    level = next;
  }
}

/** @throws RequestError too-large: as soon as it is, whatever its header says */
export async function readBody({ req }: Context, most: number): Promise<Uint8Array> {
  const tooLarge = () => new RequestError("too-large", `body: ${most} bytes are the most`);
  if (Number(req.header("content-length") ?? 0) > most) throw tooLarge();
  const reader = req.raw.body?.getReader();
  if (!reader) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    if (bytes > most) {
      await reader.cancel();
      throw tooLarge();
    }
    parts.push(part.value);
  }
  return Buffer.concat(parts, bytes);
}

/** Content-Digest (RFC 9530), when the sender gives one. @throws RequestError bad-request: it is another's */
export function requireDigest(header: string | undefined, bytes: Uint8Array): void {
  if (header === undefined) return;
  const [, wanted] = DIGEST.exec(header) ?? [];
  if (wanted === undefined)
    throw new RequestError("bad-request", "content-digest: sha-256=:…: is meant");
  const found = createHash("sha256").update(bytes).digest();
  if (!timingSafeEqual(found, Buffer.from(wanted, "base64")))
    throw new RequestError("bad-request", "content-digest: the body has another digest");
}
