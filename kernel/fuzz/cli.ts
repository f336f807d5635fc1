/** npm run fuzz: makes system calls at random until one breaks the kernel, or it is time. */
import { parseArgs } from "node:util";
import { type FuzzFailure, FuzzFailure as Failure, fuzz, shrink } from "./fuzzer.ts";

const HELP = `npm run fuzz -- [options]

  --seed N       which run; the same seed makes the same calls (default: 1)
  --calls N      calls to make (default: 1000000)
  --seconds N    stop after so many seconds of the host's time
  --help         this text

Exit status 1 when the kernel traps or an invariant does not hold.`;

function numberOf(text: string | undefined, fallback: number, name: string): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name}: "${text}" is no number`);
  process.exit(2);
}

async function report(failure: FuzzFailure): Promise<void> {
  console.error(failure.message);
  console.error("making it shorter...");
  const kept = await shrink(failure);
  console.error(`fails as well with ${kept.length} of its calls: ${kept.join(", ")}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const option = { type: "string" } as const;
  const options = { seed: option, calls: option, seconds: option, help: { type: "boolean" } } as const;
  const { values } = parseArgs({ options });
  if (values.help) return console.log(HELP);
  const seed = numberOf(values.seed, 1, "seed");
  const calls = numberOf(values.calls, 1_000_000, "calls");
  const seconds = numberOf(values.seconds, Number.MAX_SAFE_INTEGER, "seconds");
  const start = performance.now();
  const stop = (done: number): boolean => {
    const past = (performance.now() - start) / 1000;
    if (done % 65_536 === 0) console.error(`${done} calls, ${Math.round(done / past)} a second`);
    return past >= seconds;
  };
  try {
    const result = await fuzz({ seed, calls, stop });
    console.log(`seed ${seed}: ${result.calls} calls, no trap, every invariant held after each`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    await report(error);
  }
}

await main();
