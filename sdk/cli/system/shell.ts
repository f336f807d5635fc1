/** `aios shell`: the commands of the table, line by line, over one connection. */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { Command, CommanderError } from "commander";
import { stateDirectory } from "../../client/place.ts";
import { EXIT_BAD_INPUT } from "../exit.ts";
import { knowingHabits } from "../habits.ts";
import { NAMES_ONLY } from "../help.ts";
import { type PlaceOptions, type Runner, systemCommands } from "./commands.ts";
import { complain } from "./complain.ts";
import { type Act, type Context, type Input, nameIn, said, say } from "./context.ts";
import { SPECS } from "./specs.ts";
import { QuoteError, wordsOf } from "./words.ts";

const PROMPT = "aios> ";
const HISTORY_FILE = "shell_history";
const HISTORY_MAX = 1000;
const LEAVE: readonly string[] = ["exit", "quit"];
/** Not within itself. */
const OUTSIDE_ONLY = "shell";

const shell: Act = async (context, _, options) => {
  const it = new Shell(context, options as PlaceOptions);
  return await it.run();
};

class Shell {
  private readonly context: Context;
  private readonly history: History;
  private status = 0;
  /** What has come with a line, as text that is pasted does: further lines, and the beginning of one. */
  private readonly ahead: string[] = [];
  private begun = "";

  constructor(context: Context, options: PlaceOptions) {
    this.context = context;
    this.history = new History(join(stateDirectory(options.state, process.env), HISTORY_FILE));
  }

  /** The status of the last command. */
  async run(): Promise<number> {
    for await (const line of this.lines()) {
      if (LEAVE.includes(line.trim())) break;
      await this.command(line);
    }
    return this.status;
  }

  /** Lines as they are typed, or as they come through a pipe. */
  private async *lines(): AsyncGenerator<string> {
    if (!process.stdin.isTTY) {
      yield* createInterface({ input: process.stdin });
      return;
    }
    for (let line = await this.ask(); line !== null; line = await this.ask()) {
      this.history.add(line);
      yield line;
    }
    say(this.context, "");
  }

  /** One line from the terminal, which is the command's own while that runs; null at Ctrl-D. */
  private ask(): Promise<string | null> {
    const next = this.ahead.shift();
    if (next !== undefined) return Promise.resolve(next);
    const editor = createInterface({
      input: process.stdin,
      output: this.context.out,
      history: [...this.history.lines],
      historySize: HISTORY_MAX,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, found: [string[], string]) => void) =>
        void completions(this.context, line).then((found) => done(null, found)),
    });
    return new Promise((resolve) => {
      // Ctrl-C gives the line up, not the shell.
      editor.on("SIGINT", () => {
        editor.write(null, { ctrl: true, name: "e" });
        editor.write(null, { ctrl: true, name: "u" });
        this.context.out.write("^C\n");
        editor.prompt();
      });
      editor.on("close", () => resolve(this.ahead.shift() ?? null));
      editor.on("line", (line) => {
        this.ahead.push(line);
        // The editor goes when it has taken all that came at once.
        setImmediate(() => {
          this.begun = editor.line;
          editor.close();
        });
      });
      editor.setPrompt(PROMPT);
      editor.prompt();
      editor.write(this.begun);
      this.begun = "";
    });
  }

  /** Lines that an agent reads: those that have come with its command, then what is typed up to Ctrl-D. */
  private terminal(interrupt: () => void): Input {
    const stream = new PassThrough();
    for (const line of this.ahead.splice(0)) stream.write(`${line}\n`);
    const editor = createInterface({ input: process.stdin, output: this.context.out, prompt: "" });
    editor.on("line", (line) => void stream.write(`${line}\n`));
    editor.on("SIGINT", interrupt);
    editor.on("close", () => void stream.end());
    editor.write(this.begun);
    this.begun = "";
    return { stream, leaves: true, close: () => editor.close() };
  }

  private async command(line: string): Promise<void> {
    try {
      const [first, ...rest] = wordsOf(line);
      // As documents have them, "aios ps".
      const words = first === undefined || first === "aios" ? rest : [first, ...rest];
      if (words.length > 0) await this.program().parseAsync(words, { from: "user" });
    } catch (error) {
      if (error instanceof CommanderError) this.status = error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
      else if (error instanceof QuoteError) this.refuse(error);
      else throw error;
    }
  }

  private refuse({ message }: QuoteError): void {
    this.context.err.write(`error: ${message}\n`);
    this.status = EXIT_BAD_INPUT;
  }

  /** All commands anew: what was parsed before isn't remembered. */
  private program(): Command {
    const program = knowingHabits(new Command("aios").exitOverride().helpOption("-h, --help"));
    program.configureHelp(NAMES_ONLY);
    program.usage("<command> [options]").addHelpText("after", "  exit, Ctrl-D  leave the shell\n");
    program.showHelpAfterError("(help says more)");
    for (const command of systemCommands(this.runner))
      if (command.name() !== OUTSIDE_ONLY) program.addCommand(command.exitOverride());
    return program;
  }

  private readonly runner: Runner = async (given, work) => {
    const { project } = this.context.options;
    const options = project === undefined ? given : { project, ...given };
    const stop = new AbortController();
    const abort = () => stop.abort();
    process.on("SIGINT", abort);
    try {
      const input = process.stdin.isTTY ? () => this.terminal(abort) : null;
      this.status = (await work({ ...this.context, input, options, signal: stop.signal })) ?? 0;
    } catch (error) {
      if (!stop.signal.aborted) this.status = complain(error, this.context.err);
    } finally {
      process.off("SIGINT", abort);
    }
  };
}

/** Lines that were typed, the latest first; in a file of the state directory. */
class History {
  lines: string[] = [];
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
    try {
      const kept = readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "");
      this.lines = kept.reverse().slice(0, HISTORY_MAX);
    } catch {
      // There is none yet.
    }
  }

  add(line: string): void {
    if (line.trim() === "" || line === this.lines[0]) return;
    this.lines = [line, ...this.lines].slice(0, HISTORY_MAX);
    try {
      appendFileSync(this.file, `${line}\n`, { mode: 0o600 });
    } catch {
      // Of a system elsewhere: the history ends with the shell.
    }
  }
}

/** What the last word of a line may become, and that word. */
export async function completions(context: Context, line: string): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/);
  const last = words.at(-1) ?? "";
  const found = (await candidates(context, words)).filter((it) => it.startsWith(last));
  return [found.map((it) => `${it} `), last];
}

async function candidates(context: Context, words: readonly string[]): Promise<string[]> {
  const [name = "", ...rest] = words;
  if (rest.length === 0)
    return [...Object.keys(SPECS).filter((it) => it !== OUTSIDE_ONLY), ...LEAVE, "help"];
  const command = systemCommands().find((it) => it.name() === name);
  if (rest.at(-1)?.startsWith("-")) return command?.options.flatMap(({ long }) => long ?? []) ?? [];
  const kind = SPECS[name]?.completes;
  return kind ? await NAMES[kind](context).catch(() => []) : [];
}

const NAMES = {
  agents: async ({ client, options }: Context) =>
    (await client.call("agent.list", said({ project: options.project }))).map(nameIn({ options })),
  images: async ({ client }: Context) =>
    (await client.call("image.list", {})).flatMap(({ reference }) => reference ?? []),
} as const;

export const SHELL_ACTS: Readonly<Record<string, Act>> = { shell };
