/** A script of several files, or in TypeScript, as the one ES module that an agent is given. */
import { basename, dirname, resolve } from "node:path";
import { build, type Message, version } from "esbuild";

/** What makes scripts of modules, and its version. */
export const BUNDLER = { esbuild: version };

/** Why a script can't be bundled: one line for each mistake, with file, line and column. */
export class BundleError extends Error {
  override readonly name = "BundleError";
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.mistakes = mistakes;
  }
}

function line({ text, location }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text;
}

/** A script, and what it was made of. */
export interface Script {
  readonly code: Uint8Array;
  /** Paths of files, relative to the folder of the entry, with slashes. */
  readonly files: readonly string[];
}

/**
 * The module that `entry` and what it imports come to; types are stripped and not checked. "aios" stays an
 * import. The same files give the same bytes, in whatever folder they lie.
 * @throws BundleError
 */
export async function bundle(entry: string): Promise<Uint8Array> {
  return (await bundleScript(entry)).code;
}

/** As `bundle`, with the files that are in it. @throws BundleError */
export async function bundleScript(entry: string): Promise<Script> {
  try {
    const { outputFiles, metafile } = await build({
      absWorkingDir: dirname(resolve(entry)),
      entryPoints: [basename(entry)],
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "es2023",
      platform: "neutral",
      mainFields: ["module", "main"],
      external: ["aios"],
      charset: "utf8",
      legalComments: "inline",
      logLevel: "silent",
    });
    const code = outputFiles[0]?.contents ?? new Uint8Array();
    return { code, files: Object.keys(metafile.inputs) };
  } catch (error) {
    const { errors } = error as { errors?: readonly Message[] };
    if (!errors) throw error;
    throw new BundleError(errors.map(line));
  }
}
