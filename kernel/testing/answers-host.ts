/** What docs/syscalls.md says that each call may answer. */
import { readFileSync } from "node:fs";
import * as numbers from "../syscall/numbers.ts";
import type { CallName, StatusName } from "./world-host.ts";

const TEXT = readFileSync("docs/syscalls.md", "utf8");

/** The part of the text below the heading. */
const below = (heading: string) => TEXT.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
const statusesIn = (text: string) =>
  [...text.matchAll(/`([A-Z_]+)`/g)].map((match) => match[1] as StatusName);
const plain = (name: string) => name.replaceAll("_", "").toLowerCase();

/** What any call may answer: the first column of the first table. */
const ANY = below("What any call may answer")
  .split("\n")
  .filter((line) => line.startsWith("| `"))
  .flatMap((line) => statusesIn(line.split("|")[1] ?? ""));

const ROWS = new Map(
  [...below("Every call's answers").matchAll(/^\| (\w+) \| (.*) \|$/gm)].map(
    ([, name = "", statuses = ""]) => [plain(name), statusesIn(statuses)] as const,
  ),
);

/** For each call the statuses that are documented; a call without a row is missing. */
export const ANSWERS: ReadonlyMap<CallName, ReadonlySet<StatusName>> = new Map(
  Object.keys(numbers)
    .map((name) => name.slice(8) as CallName)
    .flatMap((name) => {
      const row = ROWS.get(plain(name));
      return row ? [[name, new Set<StatusName>(["OK", ...ANY, ...row])] as const] : [];
    }),
);
