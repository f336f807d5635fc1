/** From an agent's file and its code to an image. Knows no file system: what it needs is given. */
import { type AgentFile, readAgentFile } from "./agent-file.ts";
import { checkCode, kernelImage } from "./code.ts";
import { OciError } from "./errors.ts";
import { readImage } from "./read.ts";
import type { AgentConfig } from "./schema.ts";
import { digestOf, type WrittenImage, writeImage } from "./write.ts";

/** A script with all that it imports, in one file. */
export interface Bundled {
  readonly code: Uint8Array;
  /** What it was made from, by path relative to the agent's folder. */
  readonly sources: ReadonlyMap<string, Uint8Array>;
  /** Versions of what has made it, by name. */
  readonly tools: Readonly<Record<string, string>>;
}

/** Makes one ES module of a script of the agent's folder. @throws OciError "source" */
export type Bundler = (entry: string) => Promise<Bundled>;

export interface BuildInput {
  /** Name and content of the agent's file. */
  readonly name: string;
  readonly agentFile: Uint8Array;
  /** Reads a file of the agent's folder, by its path there. */
  readonly readFile: (path: string) => Uint8Array;
  /** For scripts; without one, TypeScript is refused and a script is taken as it is. */
  readonly bundle?: Bundler | undefined;
  readonly tools?: Readonly<Record<string, string>>;
  readonly tag?: string | undefined;
  readonly epoch?: number | undefined;
}

export interface BuiltImage extends WrittenImage {
  readonly config: AgentConfig;
}

/**
 * The same input gives the same bytes.
 * @throws OciError which names place and reason
 */
export async function buildImage(input: BuildInput): Promise<BuiltImage> {
  const agent = readAgentFile(input.agentFile, input.name);
  const { code, sources, tools } = await codeOf(agent, input);
  const entry = entryOf(agent);
  checkCode(code, { runtime: agent.runtime, entry, limits: agent.limits }, placeOf(agent));
  const all = new Map([...sources, [input.name, input.agentFile]]);
  const config: AgentConfig = {
    schemaVersion: 1,
    name: agent.name,
    version: agent.version,
    runtime: agent.runtime,
    entry,
    arguments: agent.args,
    environment: agent.env,
    // Wanted in whatever order: one set, one image.
    capabilities: [...agent.capabilities].sort(),
    limits: agent.limits,
    labels: agent.labels,
    codeDigest: await digestOf(
      await kernelImage({ runtime: agent.runtime, entry, code: await digestOf(code) }, code),
    ),
    provenance: {
      tools: { ...input.tools, ...tools },
      sources: await Promise.all(
        [...all]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(async ([path, bytes]) => ({
            path,
            digest: await digestOf(bytes),
            size: bytes.length,
          })),
      ),
    },
  };
  const { tag, epoch } = input;
  const written = await writeImage({ config, code, tag, epoch });
  // What a reader would refuse isn't handed out: too many sources, or a configuration that is too long.
  await readImage(written.archive);
  return { config, ...written };
}

/** Where execution begins; a native file says that itself. */
function entryOf(agent: AgentFile): string | null {
  if (agent.runtime === "native") return null;
  return agent.runtime === "wasm" ? agent.export : placeOf(agent);
}

/** The file that the agent's code comes from, or the host's program. */
function placeOf(agent: AgentFile): string {
  return agent.runtime === "host" ? agent.program : agent.entry;
}

const SCRIPT_AS_IT_IS = /\.m?js$/;

async function codeOf(agent: AgentFile, { readFile, bundle }: BuildInput): Promise<Bundled> {
  if (agent.runtime === "host") return { code: new Uint8Array(), sources: new Map(), tools: {} };
  const { runtime, entry } = agent;
  if (runtime === "quickjs" && bundle) return bundle(entry);
  if (runtime === "quickjs" && !SCRIPT_AS_IT_IS.test(entry))
    throw new OciError("source", entry, "a script is .js or .mjs; nothing here makes one of this");
  const code = readFile(entry);
  return { code, sources: new Map([[entry, code]]), tools: {} };
}
