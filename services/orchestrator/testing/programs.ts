/** Programs of agents for tests: what they do, they do when they are told their arguments. */
import type { Birth } from "../../messages/birth.ts";
import type { AgentPrograms } from "./system.ts";

const text = (value: string) => new TextEncoder().encode(value);
const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

export const PROGRAMS: AgentPrograms = {
  /** Waits for messages for ever: says that it is well, and ends when it is told to. */
  *sleeper(sys) {
    while (true) {
      const { bytes, capability } = yield* sys.receive();
      const said = json(bytes) as { terminate?: number; ask?: number };
      if (said.terminate !== undefined) yield* sys.exit(0);
      if (said.ask !== undefined)
        yield* sys.send(capability, text(JSON.stringify({ answer: said.ask, result: true })));
    }
  },
  /** Says a line and ends when it is asked how it is. */
  *mortal(sys) {
    const { streams } = json((yield* sys.receive()).bytes) as Birth;
    yield* sys.receive();
    yield* sys.write(streams[1] ?? 0, text("farewell\n"));
    yield* sys.exit(0);
  },
  /** Takes no messages. */
  *deaf(sys) {
    while (true) yield* sys.sleep(1_000_000_000n);
  },
  /** Ends at once, with the code that its first argument says. */
  *ender(sys) {
    const { args } = json((yield* sys.receive()).bytes) as Birth;
    yield* sys.exit(Number(args[1]));
  },
  /** Ends after so many milliseconds, with a code. */
  *brief(sys) {
    const { args } = json((yield* sys.receive()).bytes) as Birth;
    yield* sys.sleep(Number(args[1]) * 1_000_000);
    yield* sys.exit(Number(args[2]));
  },
  /** Writes its arguments as lines. */
  *writer(sys) {
    const { args, streams } = json((yield* sys.receive()).bytes) as Birth;
    yield* sys.write(streams[1] ?? 0, text(`${args.slice(1).join("\n")}\n`));
    yield* sys.exit(0);
  },
  /** Writes a number a line, for ever. */
  *counter(sys) {
    const { streams } = json((yield* sys.receive()).bytes) as Birth;
    for (let n = 0; ; n++) {
      yield* sys.write(streams[1] ?? 0, text(`${n}\n`));
      yield* sys.sleep(2_000_000);
    }
  },
};
