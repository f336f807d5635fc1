import { Command, InvalidArgumentError } from "commander";
import { exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";
import { refuseBadInput } from "./refuse.ts";

export interface ImageBuildArguments {
  readonly output?: string;
  readonly tag?: string;
  readonly json: boolean;
}

export interface ImageVerifyArguments {
  readonly digest?: string;
  readonly json: boolean;
}

const STATUSES = `
Exit status:
  0  it was done; the image is sound
  2  bad usage or bad input: an option, agent.json, code that can't run, an image that isn't sound
`;

const BUILD_HELP = `
The image is an OCI image layout (specification 1.1) in one tar archive: a manifest, a configuration with
runtime, entry, capabilities, limits and provenance, and the code. Its identity is the digest of the
manifest. The same files give the same bytes; SOURCE_DATE_EPOCH, seconds since 1970, gives it a time.

Of code by itself (.wasm, .elf, .js, .ts) the image says its name, version 0.0.0, and nothing else.

agent.json (comments are fine):
  {
    "name": "worker", "version": "1.0.0",
    "runtime": "wasm",                      // or quickjs, native, host
    "entry": "build/worker.wasm",           // of host: "program": "name"
    "args": ["--verbose"], "env": { "LANG": "C" },
    "capabilities": ["FS_READ:/projects/demo", "NET_BIND:localhost"],
    "limits": { "memory": "64M", "cpu": "20%",
                "handles": 64, "messages": 64, "storage": "10M" },
    "labels": { "org.example.team": "search" }
  }
${STATUSES}
Examples:
  aios image build
  aios image build agents/worker -o worker.tar --tag 1.0.0
  aios image build agents/worker/test.json --json
  aios image build worker.wasm
`;

/** `aios image`, to be added to the program's command. */
export function imageCommand(): Command {
  const image = new Command("image").description("build, inspect and verify images of agents");
  image.addCommand(buildCommand()).addCommand(inspectCommand()).addCommand(verifyCommand());
  for (const command of [image, ...image.commands]) exitWithBadInput(command);
  return image;
}

function buildCommand(): Command {
  return new Command("build")
    .summary("make an image of an agent from its agent.json")
    .description("Make an image of an agent from its agent.json and its code.")
    .argument("[path]", "folder with an agent.json, such a file, or code by itself", ".")
    .option("-o, --output <file>", "image to write (default: name-version.tar)")
    .option("-t, --tag <tag>", "name of the image in its index", parseTag)
    .option("--json", "print JSON", false)
    .addHelpText("after", helpText(BUILD_HELP))
    .action(async (path: string, options: ImageBuildArguments, command: Command) => {
      const { runBuild } = await import("./image-run.ts");
      await refuseBadInput(command, () => runBuild(path, options));
    });
}

function inspectCommand(): Command {
  return new Command("inspect")
    .summary("show what an image says of its agent")
    .description("Show what an image says of its agent. Every size and digest is checked.")
    .argument("<image>", "image to read")
    .option("--json", "print JSON", false)
    .addHelpText(
      "after",
      helpText(`${STATUSES}\nExample:\n  aios image inspect worker.tar --json\n`),
    )
    .action(async (path: string, options: { readonly json: boolean }, command: Command) => {
      const { runInspect } = await import("./image-run.ts");
      await refuseBadInput(command, () => runInspect(path, options));
    });
}

function verifyCommand(): Command {
  return new Command("verify")
    .summary("check an image: its form, its digests, its code")
    .description("Check an image: its form, its digests, and that its runtime takes its code.")
    .argument("<image>", "image to read")
    .option("--digest <digest>", "the identity that it must have, sha256:…", parseDigest)
    .option("--json", "print JSON", false)
    .addHelpText("after", helpText(`${STATUSES}\nExample:\n  aios image verify worker.tar\n`))
    .action(async (path: string, options: ImageVerifyArguments, command: Command) => {
      const { runVerify } = await import("./image-run.ts");
      await refuseBadInput(command, () => runVerify(path, options));
    });
}

function parseDigest(text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("It is sha256: and 64 lower-case hexadecimal digits.");
}

/** OCI distribution specification 1.1, "pulling manifests". */
function parseTag(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError("It has letters, digits, dots, dashes, underscores, 128 at most.");
}
