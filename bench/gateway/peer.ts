/** A server that answers everything with the same JSON: KIND ("node:http" or "hono"), SOCKET, FILE of the body. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

const [kind = "", socket = "", file = ""] = process.argv.slice(2);
const body = readFileSync(file, "utf8");
const length = String(Buffer.byteLength(body));

const app = new Hono();
app.get("*", (context) => context.body(body, 200, { "content-type": "application/json" }));

/** One for the Unix socket, one for loopback, as the gateway has it. */
const server = () =>
  kind === "hono"
    ? createServer(getRequestListener(app.fetch))
    : createServer((_request, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": length });
        response.end(body);
      });

const local = server().listen(socket);
const tcp = server().listen(0, "127.0.0.1");
await Promise.all(
  [local, tcp].map((it) => new Promise((resolve) => it.once("listening", resolve))),
);
process.send?.((tcp.address() as AddressInfo).port);
process.on("disconnect", () => process.exit(0));
