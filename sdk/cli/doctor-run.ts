/** What `aios doctor` does. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { RequestError } from "../../services/messages/errors.ts";
import { Client } from "../client/client.ts";
import { printable } from "../oci/errors.ts";
import { writeTar } from "../oci/tar-write.ts";
import { colorsFor } from "./colors.ts";
import { type Finding, findings } from "./doctor/checks.ts";
import { type BundleInput, bundleFiles, versions } from "./doctor/collect.ts";
import type { DoctorArguments } from "./doctor.ts";
import { FileError, writeFileAtomically } from "./image-file.ts";
import { stateDirectory } from "./state-directory.ts";

const ARCHIVE = /\.(tar\.gz|tgz)$/;
/** A system that doesn't answer in so long is one to report. */
const JOURNAL_MS = 30_000;
/** The bundle is its owner's business. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

interface Bundle {
  readonly path: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** The exit status. @throws FileError: the journal can't be read, or the bundle not be written */
export async function runDoctor(options: DoctorArguments): Promise<number> {
  const state = stateDirectory(options.state);
  const found = await findings(state);
  const journal = (await running(options, state)) ?? options.journal ?? true;
  const bundle = options.bundle
    ? writeBundle(options.output, { state, findings: found, journal })
    : null;
  const ok = found.every((finding) => finding.ok);
  const { aios, node, platform, arch } = versions();
  const document = { ok, aios, node, platform, arch, state, findings: found, bundle };
  process.stdout.write(
    options.json ? `${JSON.stringify(document, null, 2)}\n` : reportText(found, bundle),
  );
  return ok ? 0 : 1;
}

/** The journal of the system that runs here; undefined when none does, or another one is wanted. */
async function running(
  { bundle, journal }: DoctorArguments,
  state: string,
): Promise<Uint8Array | undefined> {
  if (!bundle || journal === false || typeof journal === "string") return undefined;
  const client = Client.at({ state }, {});
  const signal = AbortSignal.timeout(JOURNAL_MS);
  try {
    return await client.journal(signal);
  } catch (error) {
    if (error instanceof RequestError || signal.aborted) return undefined;
    throw error;
  } finally {
    client.close();
  }
}

function writeBundle(path: string, input: BundleInput): Bundle {
  const files = bundleFiles(input);
  if (ARCHIVE.test(path)) writeFileAtomically(path, gzipSync(writeTar(files)), FILE_MODE);
  else writeFolder(path, files);
  return { path, files: [...files].map(([name, { length }]) => ({ name, bytes: length })) };
}

/** A folder that is there already is left alone. */
function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
    for (const [name, bytes] of files) {
      mkdirSync(dirname(join(folder, name)), { recursive: true, mode: FOLDER_MODE });
      writeFileSync(join(folder, name), bytes, { mode: FILE_MODE, flag: "wx" });
    }
  } catch (error) {
    throw new FileError(`${folder}: ${(error as Error).message.split(",")[0]}`);
  }
}

function reportText(found: readonly Finding[], bundle: Bundle | null): string {
  const { green, red, dim } = colorsFor(process.stdout);
  const width = Math.max(...found.map(({ name }) => name.length));
  const lines = found.map(({ name, ok, detail, advice }) => {
    const line = `${ok ? green("✓") : red("✗")} ${name.padEnd(width)}  ${printable(detail)}`;
    return advice === "" ? line : `${line}\n  ${"".padEnd(width)}  ${printable(advice)}`;
  });
  if (bundle === null) return `${lines.join("\n")}\n`;
  const what = bundle.files.map(({ name }) => name).join(", ");
  const note = "Look at it before you send it: a journal holds what agents were given.";
  return `${lines.join("\n")}\n\nBundle ${printable(bundle.path)}: ${what}\n${dim(note)}\n`;
}
