import { InvalidArgumentError } from "commander";

/** What `--drive` says, in the manner of QEMU's option of the same name. */
export interface DriveArgument {
  readonly file: string;
  readonly interface: "nvme" | "ahci";
  readonly blockBytes: number;
  readonly readOnly: boolean;
  /** Writes stay in the machine and leave the file as it was. */
  readonly overlay: boolean;
}

const SWITCH: Readonly<Record<string, boolean>> = { on: true, off: false };

function choose<T>(key: string, value: string, table: Readonly<Record<string, T>>): T {
  const found = Object.hasOwn(table, value) ? table[value] : undefined;
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    `${key}=${value}: ${key} is one of ${Object.keys(table).join(", ")}`,
  );
}

const INTERFACES = { nvme: "nvme", ahci: "ahci", sata: "ahci" } as const;
const BLOCK_BYTES = { "512": 512, "4096": 4096 } as const;
const FORMATS = { raw: "raw" } as const;

/** Splits at single commas; a doubled one stands for itself, as in QEMU. */
function splitList(text: string): string[] {
  return text.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ","));
}

/**
 * Parses "disk.img" or "file=disk.img,if=nvme,readonly=on,snapshot=on,logical_block_size=4096".
 * @throws InvalidArgumentError that names the part that is wrong
 */
export function parseDrive(text: string): DriveArgument {
  const parts = splitList(text);
  const plain = !parts[0]?.includes("=");
  const values = new Map<string, string>(plain ? [["file", parts.shift() ?? ""]] : []);
  for (const part of parts) {
    const at = part.indexOf("=");
    const [key, value] = at < 0 ? [part, "on"] : [part.slice(0, at), part.slice(at + 1)];
    if (values.has(key)) throw new InvalidArgumentError(`${key} is given twice in "${text}"`);
    values.set(key, value);
  }
  return fromValues(text, values);
}

function fromValues(text: string, values: Map<string, string>): DriveArgument {
  const take = <T>(key: string, fallback: string, table: Readonly<Record<string, T>>): T => {
    const value = values.get(key) ?? fallback;
    values.delete(key);
    return choose(key, value, table);
  };
  const file = values.get("file") ?? "";
  values.delete("file");
  if (file === "") throw new InvalidArgumentError(`"${text}" names no file`);
  take("format", "raw", FORMATS);
  const drive: DriveArgument = {
    file,
    interface: take<"nvme" | "ahci">("if", "nvme", INTERFACES),
    blockBytes: take<number>("logical_block_size", "512", BLOCK_BYTES),
    readOnly: take("readonly", "off", SWITCH),
    overlay: take("snapshot", "off", SWITCH),
  };
  const [unknown] = values.keys();
  if (unknown !== undefined)
    throw new InvalidArgumentError(
      `${unknown} is not an option of a drive; they are file, format, if, logical_block_size, readonly, snapshot`,
    );
  return drive;
}

/** For commander: adds one more drive to those given before. */
export function addDrive(text: string, before: readonly DriveArgument[] = []): DriveArgument[] {
  return [...before, parseDrive(text)];
}
