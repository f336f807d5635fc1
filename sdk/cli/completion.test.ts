import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { temporaryFolder } from "../image/testing.ts";

const scripts = new Map<string, string>();

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["pkg/cli.js", ...args], { encoding: "utf8" });

/** What the command itself prints. */
function aios(...args: string[]): string {
  const { stdout, stderr, status } = run(...args);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

beforeAll(() => {
  for (const shell of ["bash", "zsh", "fish"]) scripts.set(shell, aios("completion", shell));
});

/** A folder with the shell's script and a file to complete; nothing of the user's own is read there. */
function workFolder(shell: string) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "script"), scripts.get(shell) ?? "");
  writeFileSync(join(folder, "worker.tar"), "");
  const env = { PATH: process.env.PATH, HOME: folder, TERM: "dumb", LC_ALL: "C" };
  return { folder, env };
}

/** Types these lines at an interactive shell on a terminal of its own; what was printed. */
function typed(shell: string, command: string, lines: readonly string[]): string {
  requireTool(shell);
  const { folder, env } = workFolder(shell);
  const options = { cwd: folder, env, input: `${lines.join("\n")}\nexit\n`, timeout: 20_000 };
  const argv = ["-qec", command, "/dev/null"];
  return spawnSync(requireTool("script"), argv, { ...options, encoding: "utf8" }).stdout;
}

/** Each line of what is typed, and what the command got. */
const TYPED: readonly (readonly [string, string])[] = [
  ["aios image ver\t--dig\tx wor\t", "image verify --digest x worker.tar"],
  ["aios boot --when-idle st\t--nic", "boot --when-idle stop --nic"],
  ["aios compl\tf\t", "completion fish"],
  ["aios boot --kernel wor\t", "boot --kernel worker.tar"],
  ["aios logs -f demo\t", "logs -f demo/front"],
  ["aios run wor\t", "run worker.tar"],
  ["aios run ch\t", "run checks"],
];
const shown = TYPED.map(([, got]) => `GOT<${got}>`);
const typing = TYPED.map(([line]) => line);
/** What a running system has; and of everything else, what the command was given. */
const SHOW = `aios() { case "$*" in "ps -aq") echo store; echo demo/front ;; "images -q") echo checks ;; \
*) printf "GOT""<%s>\\n" "$*" ;; esac; }`;

describe("on a terminal, with the tabulator key", () => {
  test("bash completes commands, options, values and files", () => {
    const out = typed("bash", "bash --norc --noprofile -i", [". ./script", SHOW, ...typing]);
    expect(out.match(/GOT<.*?>/g)).toEqual(shown);
  });

  test("zsh completes commands, options, values and files", () => {
    const start = ["autoload -U compinit; compinit -u -D", ". ./script", SHOW];
    const out = typed("zsh", "zsh -f -i", [...start, ...typing]);
    expect(out.match(/GOT<.*?>/g)).toEqual(shown);
  });
});

test("fish offers commands, options, values and files, with what they do", () => {
  const { folder, env } = workFolder("fish");
  const ask = (line: string, first = "") => {
    const code = `${first}; source script; complete -C ${JSON.stringify(line)}`;
    const options = { cwd: folder, env, encoding: "utf8" } as const;
    return spawnSync(requireTool("fish"), ["--no-config", "-c", code], options).stdout.split("\n");
  };
  expect(ask("aios im")).toContain("image\tbuild, inspect and verify images of agents");
  expect(ask("aios image ver")).toContain(
    "verify\tcheck an image: its form, its digests, its code",
  );
  expect(ask("aios image verify --dig")).toEqual([
    expect.stringMatching(/^--digest\tthe identity/),
    "",
  ]);
  expect(ask("aios boot --when-idle st").map((line) => line.split("\t")[0])).toContain("stop");
  expect(ask("aios boot --kernel wor").map((line) => line.split("\t")[0])).toContain("worker.tar");
  const system =
    "function aios; switch $argv[1]; case ps; echo demo/front; case images; echo checks; end; end";
  expect(ask("aios logs -f de", system)).toEqual(["demo/front", ""]);
  expect(ask("aios run ch", system).map((line) => line.split("\t")[0])).toContain("checks");
  expect(ask("aios completion f").map((line) => line.split("\t")[0])).toEqual(["fish", ""]);
});

test.each(["bash", "zsh", "fish"])("%s finds no mistake in its script", (shell) => {
  const { folder, env } = workFolder(shell);
  const { status, stderr } = spawnSync(requireTool(shell), ["-n", "script"], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("every command and option that the help shows is in every script", () => {
  const commands = [...aios("--help").matchAll(/^ {2}([a-z]+)(?: \[| <| {2})/gm)].map(
    ([, name]) => name,
  );
  expect(commands).toContain("boot");
  const options = [...aios("boot", "--help").matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)];
  expect(options.length).toBeGreaterThan(20);
  for (const script of scripts.values()) {
    for (const command of commands) expect(script).toMatch(new RegExp(`\\b${command}\\b`));
    for (const [, option] of options) expect(script).toMatch(new RegExp(`(--|-l )${option}\\b`));
  }
});

test("another shell is refused with those that there are", () => {
  const { status, stderr } = run("completion", "tcsh");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: .*'tcsh' is invalid.*Allowed choices are bash, zsh, fish\.\n$/);
});
