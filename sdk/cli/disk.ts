import { basename } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import {
  BLOCK_BYTES_SUPPORTED,
  BUNDLE_BYTES_MAX,
  BUNDLE_ENTRIES_MAX,
  type BundleEntry,
  buildBootImage,
} from "../image/index.ts";
import { inspectImageFile, reportJson, reportText } from "./disk-report.ts";
import { exitWithBadInput } from "./exit.ts";
import { FileError, readInputFile, writeFileAtomically } from "./image-file.ts";
import { refuseBadInput } from "./refuse.ts";
import { parseSize } from "./size.ts";

interface NamedPath {
  readonly name: string;
  readonly path: string;
}

interface BuildOptions {
  readonly size?: number;
  readonly blockSize: number;
  readonly dataSize: number;
  readonly seed: string;
  readonly entry?: readonly NamedPath[];
}

/** `aios disk`, to be added to the program's command. */
export function diskCommand(): Command {
  const disk = new Command("disk").description("build and inspect disk images to boot from");
  disk.addCommand(buildCommand()).addCommand(inspectCommand());
  for (const command of [disk, ...disk.commands]) exitWithBadInput(command);
  return disk;
}

function buildCommand(): Command {
  return new Command("build")
    .summary("make a GPT disk image with a boot bundle")
    .description(
      "Make a GPT disk image with a partition that holds a boot bundle: the given files behind a " +
        "list of their SHA-256 digests. The same input gives the same image, to the byte.",
    )
    .argument("<out>", "image file to write; replaced as a whole or left as it was")
    .argument("[file...]", "files of the bundle, each under the last part of its path")
    .option(
      "-e, --entry <name=path>",
      "file of the bundle, under a name of its own (repeatable)",
      addEntry,
    )
    .option(
      "-s, --size <size>",
      "size of the image, like 64M (default: the least that fits)",
      parseSize,
    )
    .option("--block-size <bytes>", "bytes a block: 512 or 4096", parseBlockSize, 512)
    .option("--data-size <size>", "size of an empty second partition, like 16M", parseSize, 0)
    .option("--seed <text>", "makes the GUIDs differ between images of the same content", "")
    .action(async (out: string, files: string[], options: BuildOptions, command: Command) => {
      await refuseBadInput(command, () => buildImageFile(out, files, options));
    });
}

function inspectCommand(): Command {
  return new Command("inspect")
    .summary("show and verify an image's partitions and boot bundle")
    .description(
      "Show an image's partitions and boot bundle. Checksums and digests are verified: status 0 " +
        "means that all is sound, or that a bad partition table has a sound backup.",
    )
    .argument("<image>", "image file to read")
    .option("--json", "print JSON", false)
    .action(async (path: string, options: { readonly json: boolean }, command: Command) => {
      await refuseBadInput(command, async () => {
        const report = await inspectImageFile(path);
        process.stdout.write(options.json ? reportJson(report) : reportText(report));
        if (report.bundleError !== null)
          throw new FileError(`${path}: ${report.bundleError.message}`);
      });
    });
}

async function buildImageFile(out: string, files: string[], options: BuildOptions): Promise<void> {
  const named = [
    ...files.map((path) => ({ name: basename(path), path })),
    ...(options.entry ?? []),
  ];
  if (named.length > BUNDLE_ENTRIES_MAX) {
    throw new FileError(`${named.length} files, a bundle has at most ${BUNDLE_ENTRIES_MAX}`);
  }
  let bytesLeft = BUNDLE_BYTES_MAX;
  const entries = named.map(({ name, path }): BundleEntry => {
    const data = readInputFile(path, bytesLeft);
    bytesLeft -= data.length;
    return { name, data };
  });
  const { size, blockSize, dataSize, seed } = options;
  const image = await buildBootImage({
    entries,
    blockBytes: blockSize,
    dataBytes: dataSize,
    seed,
    ...(size === undefined ? {} : { bytes: size }),
  });
  writeFileAtomically(out, image);
}

function addEntry(text: string, before: readonly NamedPath[] = []): NamedPath[] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("It needs name=path.");
  return [...before, { name: text.slice(0, at), path: text.slice(at + 1) }];
}

function parseBlockSize(text: string): number {
  const bytes = parseSize(text);
  if (!BLOCK_BYTES_SUPPORTED.includes(bytes)) {
    throw new InvalidArgumentError(`It is ${BLOCK_BYTES_SUPPORTED.join(" or ")}.`);
  }
  return bytes;
}
