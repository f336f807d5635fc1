/** What must be there after a crash, by what was acknowledged before. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { verifyImage } from "../../../sdk/oci/read.ts";
import type { Access } from "../../gateway/access.ts";
import type { Store } from "../../host/store.ts";
import { Agent, type Image, type Result } from "../../messages/api.ts";
import { Snapshot } from "../../messages/shapes.ts";
import { ARGUMENTS, IMAGE, MAKES, type Make, type Note, type Subject } from "./driver.ts";

/** What has been started again. */
export interface Crashed {
  readonly subject: Subject;
  readonly store: Store;
  readonly access: Access;
  /** Agents whose lines begin with a number have written that to a file of their name here before. */
  readonly files?: { readonly folder: string; readonly lineBytes: number };
}

interface There {
  readonly agents: Map<string, Agent>;
  readonly snapshots: Map<string, Snapshot>;
  readonly images: Map<string, Image>;
  readonly tokens: Map<string, Result<"token.list">[number]>;
}
/** Where what an act makes is found. */
const PLACE = {
  run: "agents",
  snapshot: "snapshots",
  register: "images",
  token: "tokens",
} as const;

/** What is wrong with a system that has been started again; empty for nothing. */
export async function judge(crashed: Crashed, notes: readonly Note[]): Promise<string[]> {
  const there = await find(crashed.subject);
  const wrong = (Object.keys(MAKES) as Make[]).flatMap((make) => judgePresence(make, there, notes));
  for (const agent of there.agents.values()) {
    const mine = notes.filter(({ name }) => name === agent.name);
    wrong.push(...(await judgeAgent(crashed, agent, mine)));
  }
  for (const it of there.snapshots.values()) wrong.push(...(await judgeSnapshot(crashed, it)));
  for (const it of there.images.values()) wrong.push(...(await judgeImage(crashed, it)));
  wrong.push(...judgeTokens(crashed, notes), ...(await judgeObjects(crashed, there)));
  return wrong;
}

async function find({ call }: Subject): Promise<There> {
  const byName = <T>(list: readonly T[], name: (it: T) => string) =>
    new Map(list.map((it) => [name(it), it]));
  const images = await call("image.list", {});
  return {
    agents: byName(await call("agent.list", {}), ({ name }) => name),
    snapshots: byName(await call("snapshot.list", {}), ({ id }) => id),
    // The others were there before.
    images: byName(
      images.filter(({ name }) => name === IMAGE),
      ({ version }) => version,
    ),
    tokens: byName(await call("token.list", {}), ({ name }) => name),
  };
}

/** What was made is there, what has gone isn't, and what nobody has asked for isn't either. */
function judgePresence(make: Make, there: There, notes: readonly Note[]): string[] {
  const found: ReadonlyMap<string, unknown> = there[PLACE[make]];
  const wrong: string[] = [];
  const isAsked = (name: string, act: string, done?: boolean) =>
    notes.some(
      (it) => it.name === name && it.act === act && (done === undefined || it.done === done),
    );
  for (const name of found.keys()) {
    if (!isAsked(name, make)) wrong.push(`${name}: nobody has asked to ${make} it`);
    if (isAsked(name, MAKES[make], true)) wrong.push(`${name} is there after ${MAKES[make]}`);
  }
  for (const { name, act, done } of notes)
    if (act === make && done && !found.has(name) && !isAsked(name, MAKES[make]))
      wrong.push(`${name} isn't there after ${make}`);
  return wrong;
}

async function judgeAgent(crashed: Crashed, agent: Agent, notes: readonly Note[]) {
  const { name, args } = agent;
  const isWhole = Agent.safeParse(agent).success && args.join() === ARGUMENTS.join();
  if (!isWhole) return [`${name} is half there`];
  const ran = notes.find(({ act, done }) => act === "run" && done);
  const isLeaving = notes.some(({ act }) => act === "remove");
  const wrong = await judgeLines(crashed, agent, notes);
  if (ran && !isLeaving) wrong.push(...judgeChanges(agent, notes), ...judgeLife(agent, ran, notes));
  return wrong;
}

function judgeChanges({ name, limits, capabilities }: Agent, notes: readonly Note[]): string[] {
  const wrong: string[] = [];
  const last = (act: Note["act"]) => {
    const at = notes.findLastIndex((note) => note.act === act && note.done);
    const open = notes.slice(at + 1).some((note) => note.act === act);
    return at < 0 || open ? undefined : notes[at];
  };
  const update = last("update");
  if (update && limits.weight !== update.value)
    wrong.push(`${name}: weight ${limits.weight}, ${update.value} was acknowledged`);
  if (last("grant") && !capabilities.includes("FS_READ:/projects/demo"))
    wrong.push(`${name} lacks a capability that it was granted`);
  return wrong;
}

/** It runs if it is to, and else doesn't. One that was brought back runs although it had been killed. */
function judgeLife({ name, agent, state }: Agent, ran: Note, notes: readonly Note[]): string[] {
  const wrong: string[] = [];
  const always = ran.value === 1;
  const kill = notes.findLastIndex(({ act, done }) => act === "kill" && done);
  const isKilled = kill >= 0 && !notes.some(({ act }) => act === "rollback");
  const isAsked = notes.some(({ act }) => act === "kill");
  if (isKilled && agent !== null) wrong.push(`${name} runs, and was killed`);
  if (always && !isAsked && agent === null && !["waiting", "starting"].includes(state))
    wrong.push(`${name} is ${state}, and is to run always`);
  if (!always && agent !== null) wrong.push(`${name} was started again, against its policy`);
  return wrong;
}

/** Lines that were shown are there, whole; and what an agent had in a file when it said so is in the file. */
async function judgeLines({ subject, files }: Crashed, { name }: Agent, notes: readonly Note[]) {
  const wrong: string[] = [];
  const seen = Math.max(0, ...notes.map((it) => (it.act === "logs" ? Number(it.value ?? 0) : 0)));
  const { lines } = await subject.call("agent.logs", { name });
  if (lines.length < seen) wrong.push(`${name}: ${lines.length} lines, ${seen} were shown`);
  if (lines.some(({ sequence }, at) => sequence !== at)) wrong.push(`${name}: lines have gaps`);
  if (lines.some(({ text }) => !/^\d+$/.test(text))) wrong.push(`${name}: a line is half there`);
  if (!files || lines.length === 0) return wrong;
  const kept = readFileSync(join(files.folder, name)).length / files.lineBytes;
  if (!Number.isInteger(kept)) wrong.push(`${name}: its file ends in the midst of a line`);
  if (kept < lines.length)
    wrong.push(`${name}: ${kept} lines in its file, it has said ${lines.length}`);
  return wrong;
}

async function judgeSnapshot({ store }: Crashed, snapshot: Snapshot): Promise<string[]> {
  const { id, digest, bytes } = snapshot;
  const state = await store.getObject(digest).catch(() => null);
  const isWhole = Snapshot.safeParse(snapshot).success && state?.length === bytes;
  return isWhole ? [] : [`snapshot ${id} is half there`];
}

async function judgeImage({ store }: Crashed, { version, archive, digest, code }: Image) {
  try {
    const image = await verifyImage(await store.getObject(archive));
    if (image.digest === digest && Buffer.compare(image.code, await store.getObject(code)) === 0)
      return [];
  } catch {
    // One of the two isn't what its name says.
  }
  return [`image ${version} is half there`];
}

/** A token that was shown opens the door, one that was revoked doesn't. */
function judgeTokens({ access }: Crashed, notes: readonly Note[]): string[] {
  return notes.flatMap(({ name, act, done, value }) => {
    if (act !== "token" || !done) return [];
    const revokes = notes.filter((note) => note.name === name && note.act === "revoke");
    const isOpen = opens(access, String(value));
    if (revokes.length === 0 && !isOpen) return [`token ${name} is refused`];
    return isOpen && revokes.some((it) => it.done) ? [`token ${name} works, and was revoked`] : [];
  });
}

function opens(access: Access, token: string): boolean {
  try {
    access.byTokenText(token);
    return true;
  } catch {
    return false;
  }
}

/** Every object is something's: of what was never acknowledged, or has gone, nothing is left. */
async function judgeObjects({ store, subject }: Crashed, { snapshots }: There): Promise<string[]> {
  const images = await subject.call("image.list", {});
  const named = new Set([
    ...images.flatMap(({ archive, code }) => [archive, code]),
    ...[...snapshots.values()].map(({ digest }) => digest),
  ]);
  const folder = join(store.directory, "objects");
  const found = readdirSync(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((it) => it.isFile() && !named.has(`sha256:${it.name}`))
    .map(({ name }) => `object ${name} is nobody's`);
}
