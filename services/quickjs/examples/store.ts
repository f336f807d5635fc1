/** A service: keeps values by key, and answers who asks. What it can't understand, it says so. */
import { exit, type Message, messages } from "aios";
import { type Command, readCommand } from "./protocol.ts";

const kept = new Map<string, unknown>();

const ANSWERS: { readonly [K in Command["op"]]: (command: Command & { op: K }) => unknown } = {
  set: ({ key, value }) => {
    kept.set(key, value);
    return { kept: kept.size };
  },
  get: ({ key }) => ({ value: kept.get(key) ?? null }),
  end: () => exit(kept.size),
};

function answerOf(message: Message): unknown {
  try {
    const command = readCommand(message.json());
    return (ANSWERS[command.op] as (command: Command) => unknown)(command);
  } catch (error) {
    console.error(`agent ${message.sender}: ${error}`);
    return { error: String(error) };
  }
}

for await (const message of messages()) {
  const answer = answerOf(message);
  if (message.capability !== undefined) message.reply(JSON.stringify(answer));
}
