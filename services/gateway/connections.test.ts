import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { type Answering, LimitedServer } from "./connections.ts";

const LIMITS = { connectionsMax: 4, unsentMax: 1 << 20, patience: 10_000 };

/** The status of an answer, or the code of what went wrong. */
function ask(port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, agent: false }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "")).end();
  });
}

test("a request that can't be answered ends its connection, and nothing else", async () => {
  let asked = 0;
  const answer: Answering = async (_request, response) => {
    if (++asked === 1) throw new Error("a fault of the test");
    response.end();
  };
  const server = new LimitedServer({}, LIMITS, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  expect(await ask(port)).toBe("ECONNRESET");
  expect(await ask(port)).toBe(200);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
