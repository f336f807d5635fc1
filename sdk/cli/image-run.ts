/** What `aios image` does. */
import { OciError, printable } from "../oci/errors.ts";
import {
  buildImageFrom,
  buildImageOf,
  isCode,
  readImageFile,
  verifyImageFile,
} from "../oci/node.ts";
import type { AgentImage } from "../oci/read.ts";
import type { AgentLimits } from "../oci/schema.ts";
import type { ImageBuildArguments, ImageVerifyArguments } from "./image.ts";
import { FileError, writeFileAtomically } from "./image-file.ts";
import { version } from "./version.ts";

/** What a tar header has room for: until the year 2242. */
const EPOCH_MAX = 0o77777777777;

/** @throws OciError, FileError */
export async function runBuild(path: string, options: ImageBuildArguments): Promise<void> {
  const build = isCode(path) ? buildImageOf : buildImageFrom;
  const { archive, config, digest } = await build(path, {
    tools: { aios: version() },
    tag: options.tag,
    epoch: sourceDateEpoch(),
  });
  const file = options.output ?? `${config.name}-${config.version}.tar`;
  writeFileAtomically(file, archive);
  const { codeDigest } = config;
  const built = { file, bytes: archive.length, digest, codeDigest };
  print(options.json, built, [
    ["image", `${config.name} ${config.version}, ${config.runtime}`],
    ["digest", digest],
    ["code", codeDigest],
    ["file", `${file}, ${archive.length} bytes`],
  ]);
}

/** @throws OciError, FileError */
export async function runInspect(
  path: string,
  { json }: { readonly json: boolean },
): Promise<void> {
  const image = await ofFile(path, readImageFile);
  const { config, manifest, digest, codeDigest, tag, code } = image;
  const document = { digest, tag, codeDigest, codeBytes: code.length, config, manifest };
  print(json, document, linesOf(image));
}

/** @throws OciError, FileError */
export async function runVerify(path: string, options: ImageVerifyArguments): Promise<void> {
  const { digest, codeDigest, config } = await ofFile(path, verifyImageFile);
  if (options.digest !== undefined && options.digest !== digest)
    throw new OciError("digest", path, `the image is ${digest}, not ${options.digest}`);
  const { name, version: number, runtime } = config;
  print(options.json, { sound: true, digest, codeDigest, name, version: number, runtime }, [
    ["sound", `${name} ${number}, ${runtime}`],
    ["digest", digest],
    ["code", codeDigest],
  ]);
}

/** Errors name the file as well. */
async function ofFile(
  path: string,
  read: (path: string) => Promise<AgentImage>,
): Promise<AgentImage> {
  try {
    return await read(path);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    throw new OciError(error.code, `${path}: ${error.place}`, error.reason);
  }
}

/** https://reproducible-builds.org/specs/source-date-epoch. */
function sourceDateEpoch(): number | undefined {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,11}$/.test(text) && Number(text) <= EPOCH_MAX) return Number(text);
  throw new FileError(
    `SOURCE_DATE_EPOCH: ${JSON.stringify(text)} is no number of seconds up to ${EPOCH_MAX}`,
  );
}

type Line = readonly [label: string, value: string];

function linesOf({ config, digest, codeDigest, tag, code }: AgentImage): Line[] {
  const { capabilities, environment, labels, provenance } = config;
  return [
    ["image", `${config.name} ${config.version}${tag === null ? "" : `, tagged ${tag}`}`],
    ["digest", digest],
    ["runtime", `${config.runtime}${config.entry === null ? "" : `, from ${config.entry}`}`],
    ["code", `${codeDigest}, ${code.length} bytes`],
    ...config.arguments.map((text): Line => ["argument", text]),
    ...Object.entries(environment).map(([name, value]): Line => ["variable", `${name}=${value}`]),
    ...capabilities.map((text): Line => ["capability", text]),
    ...limitLines(config.limits),
    ...Object.entries(labels).map(([name, value]): Line => ["label", `${name}=${value}`]),
    ...Object.entries(provenance.tools).map(([name, is]): Line => ["made by", `${name} ${is}`]),
    ...provenance.sources.map(
      ({ path, digest: is, size }): Line => ["made from", `${is}  ${path}, ${size} bytes`],
    ),
  ];
}

const LIMITS: Readonly<Record<keyof AgentLimits, (value: number) => string>> = {
  memory: (bytes) => `memory ${bytes} bytes`,
  milliCpu: (thousandths) => `cpu ${thousandths / 10}%`,
  weight: (weight) => `weight ${weight}`,
  handles: (count) => `${count} handles`,
  messages: (count) => `${count} messages`,
  storage: (bytes) => `storage ${bytes} bytes`,
};

function limitLines(limits: AgentLimits): Line[] {
  const names = Object.keys(LIMITS) as (keyof AgentLimits)[];
  return names.flatMap((name): Line[] => {
    const value = limits[name];
    return value === undefined ? [] : [["limit", LIMITS[name](value)]];
  });
}

/** Text for people, in two columns, or JSON for programs. */
function print(json: boolean, document: unknown, lines: readonly Line[]): void {
  const width = Math.max(...lines.map(([label]) => label.length));
  const text = lines.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}\n`);
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : text.join(""));
}
