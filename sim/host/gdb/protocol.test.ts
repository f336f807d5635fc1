/** The remote protocol without gdb: what any client may send, and what comes of it. */
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NEVER } from "../engine.ts";
import { Machine } from "../machine.ts";
import { CALL, COUNTER, COUNTING, FUNCTION, STORE } from "../testing/counting.ts";
import { guestImage, guestMachine } from "../testing/guest64.ts";
import { randomFrom } from "../testing/random.ts";
import { fromHex, PACKET_BYTES_MAX, PacketReader, packet, toHex } from "./packets.ts";
import { GdbServer } from "./server.ts";
import { Session } from "./session.ts";
import { REGISTERS, registerNumber } from "./target.ts";

const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const hex = (value: bigint | number) => value.toString(16);

/** A session and its machine, without a socket. */
async function begin(cpus = 1) {
  const machine = await guestMachine(COUNTING, { cpus });
  const session = new Session(machine.debugger);
  const ask = async (text: string): Promise<string | null> => {
    const answer = await session.handle(latin1(text));
    for (let n = 0; session.running && n < 1000; n++) {
      const { answer } = await session.run(NEVER, 500);
      if (answer !== null) return answer;
    }
    return answer;
  };
  return { machine, session, ask };
}

describe("packets", () => {
  test("are put together from pieces of any size", () => {
    const bytes = [...latin1("+"), ...packet("m1000,4"), 3, ...packet("a}b#c$d*e"), ...latin1("-")];
    for (const size of [1, 2, 3, 7, 100]) {
      const reader = new PacketReader();
      const items = [];
      for (let at = 0; at < bytes.length; at += size)
        items.push(...reader.take(Uint8Array.from(bytes.slice(at, at + size))));
      expect(items.map(({ kind }) => kind)).toEqual([
        "ack",
        "packet",
        "interrupt",
        "packet",
        "nack",
      ]);
      expect(items[3]).toEqual({ kind: "packet", data: latin1("a}b#c$d*e") });
    }
  });
  test.each([
    ["a wrong checksum", "$g#00"],
    ["a checksum of no digits", "$g#zz"],
    ["more data than was agreed", `$${"a".repeat(PACKET_BYTES_MAX + 1)}#00`],
  ])("with %s are damaged", (_, text) => {
    expect(new PacketReader().take(latin1(text))).toEqual([{ kind: "damaged" }]);
  });
  test("begin anew at a dollar sign, and end in an escape", () => {
    const [item] = new PacketReader().take(latin1("$gar$}#7d"));
    expect(item).toEqual({ kind: "packet", data: new Uint8Array() });
  });
});

describe("registers and memory", () => {
  test("g has all registers, p has each, and P changes what can be changed", async () => {
    const { ask } = await begin();
    const all = (await ask("g")) ?? "";
    expect(all.length).toBe(REGISTERS.reduce((sum, { bits }) => sum + bits / 4, 0));
    const rip = hex(registerNumber("rip"));
    expect(await ask(`p${rip}`)).toBe(toHex(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0)));
    expect(await ask(`P0=${"11".repeat(8)}`)).toBe("OK");
    expect(await ask("p0")).toBe("11".repeat(8));
    expect(await ask(`G${all}`)).toBe("OK");
    expect(await ask("p0")).toBe("00".repeat(8));
    expect(await ask(`P${hex(registerNumber("cr3"))}=${"00".repeat(8)}`)).toBe("E16");
  });
  test("m, M and X reach RAM across pages, and nothing else", async () => {
    const { ask, session, machine } = await begin();
    const at = COUNTER + 0xffen;
    expect(await ask(`M${hex(at)},4:01020304`)).toBe("OK");
    const data = [...latin1(`X${hex(at + 1n)},3:`), 0x7d, 0x23, 0xff];
    expect(await session.handle(Uint8Array.from(data))).toBe("OK");
    expect(await ask(`m${hex(at)},5`)).toBe("017d23ff00");
    expect(await ask("mfee00000,4")).toBe("E0e");
    // RAM ends at 32 MiB: as much is read as there is, and no half of a change is made.
    expect(await ask("M1fffffe,4:11111111")).toBe("E0e");
    expect(await ask("m1fffffe,4")).toBe("0000");
    expect(machine.journal.entries.map(({ input }) => input.kind)).toContain("memory");
  });
  test("memory is physical when asked for, as with QEMU", async () => {
    const { ask } = await begin();
    expect(await ask("qqemu.PhyMemMode")).toBe("0");
    expect(await ask("Qqemu.PhyMemMode:1")).toBe("OK");
    expect(await ask("qqemu.PhyMemMode")).toBe("1");
    expect(await ask(`M${hex(COUNTER)},2:beef`)).toBe("OK");
    expect(await ask("Qqemu.PhyMemMode:0")).toBe("OK");
    expect(await ask(`m${hex(COUNTER)},2`)).toBe("beef");
    expect(await ask("Qqemu.PhyMemMode:2")).toBe("E01");
    expect([await ask("qqemu.sstepbits"), await ask("qqemu.sstep")]).toEqual(["ENABLE=1", "0x1"]);
    expect([await ask("Qqemu.sstep=0x1"), await ask("Qqemu.sstep=0x7")]).toEqual(["OK", "E16"]);
  });
  test("a description for 32-bit code has the registers of that, and g is as long", async () => {
    const { ask, session } = await begin();
    const monitor = (line: string) => ask(`qRcmd,${toHex(latin1(line))}`);
    const described = async () => (await ask("qXfer:features:read:target.xml:0,2000")) ?? "";
    const bits = (text: string) =>
      [...text.matchAll(/<reg [^>]*bitsize="(\d+)"/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    for (const name of ["i386:x86-64", "i386", "i8086", "i386:x86-64"]) {
      await monitor(`architecture ${name}`);
      const text = await described();
      expect(text).toContain(`<architecture>${name}</architecture>`);
      expect(text.includes('name="rip"')).toBe(name === "i386:x86-64");
      expect(((await ask("g")) ?? "").length * 4).toBe(bits(text));
      expect(await ask(`G${await ask("g")}`)).toBe("OK");
    }
    expect(session.left).toBeNull();
  });
  test.each([
    "m",
    "m,",
    "mxyz,4",
    "m10",
    "m10,4,4",
    "m11112222333344445,1",
    "M10,4:00",
    "M10,1:zz",
    "M10,1",
    "P",
    "P0",
    "P0=00",
    "Pfff=00",
    "p",
    "pffffffffffffffff",
    "G00",
    "Z0",
    "Z0,1",
    "Z0,x,1",
    "Z2,10,0",
    "Z2,10,10000000",
    "Z0,10,1;X0",
    "Hg99",
    "Hx1",
    "T41",
    "T",
    "vCont;q",
    "vCont;s:9",
    "vCont;",
    "qXfer:features:read:target.xml:x,y",
    "qRcmd,zz",
    "qThreadExtraInfo,99",
  ])("a malformed %s is an error", async (text) => {
    const { ask } = await begin();
    expect(await ask(text)).toMatch(/^E[0-9a-f]{2}$/);
  });
  test("what is not known is answered by nothing", async () => {
    const { ask } = await begin();
    for (const text of ["", "!", "A", "Z5,0,1", "vFoo", "qFoo", "bx", "vMustReplyEmpty", "\0\xff"])
      expect(await ask(text)).toBe("");
  });
});

describe("running", () => {
  test("CPUs are threads", async () => {
    const { ask } = await begin(3);
    expect(await ask("qfThreadInfo")).toBe("m1,2,3");
    expect(await ask("Hg2")).toBe("OK");
    expect(await ask("qC")).toBe("QC2");
    const text = fromHex((await ask("qThreadExtraInfo,3")) ?? "") ?? new Uint8Array();
    expect(new TextDecoder().decode(text)).toBe("CPU 2 waits for SIPI, CPL 0");
    expect(await ask("vCont;s:1;c")).toBe("T05thread:1;");
  });
  test("breakpoints, watchpoints and both directions", async () => {
    const { ask } = await begin();
    expect(await ask(`Z0,${hex(FUNCTION)},1`)).toBe("OK");
    expect(await ask("vCont;c")).toBe("T05thread:1;swbreak:;");
    expect(await ask(`z0,${hex(FUNCTION)},1`)).toBe("OK");
    expect(await ask(`Z1,${hex(CALL)},1`)).toBe("OK");
    expect(await ask("c")).toBe("T05thread:1;hwbreak:;");
    expect(await ask(`z1,${hex(CALL)},1`)).toBe("OK");
    expect(await ask("bs")).toBe("T05thread:1;");
    expect(await ask(`p${hex(registerNumber("rip"))}`)).toMatch(
      new RegExp(`^${hex(STORE & 0xffn)}`),
    );
    expect(await ask(`Z2,${hex(COUNTER)},8`)).toBe("OK");
    expect(await ask("vCont;c:1")).toBe(`T05thread:1;watch:${hex(COUNTER)};`);
    expect(await ask("bc")).toBe(`T05thread:1;watch:${hex(COUNTER)};`);
    expect(await ask(`z2,${hex(COUNTER)},8`)).toBe("OK");
    expect(await ask("bc")).toBe("T05thread:1;replaylog:begin;");
    expect(await ask("?")).toBe("T05thread:1;replaylog:begin;");
  });
  test("the way back is as far and as dear as it is told to be", async () => {
    const { ask, machine } = await begin();
    const monitor = async (line: string) => {
      const answer = fromHex((await ask(`qRcmd,${toHex(latin1(line))}`)) ?? "");
      return new TextDecoder().decode(answer ?? new Uint8Array());
    };
    const { checkpoints } = machine.debugger;
    expect(await monitor("history interval 50")).toContain("one every 50 steps");
    expect(await monitor("history size 1")).toContain("of 1\n");
    expect(await monitor("history interval 0")).toBe("history interval: a number of micro-steps\n");
    for (let n = 1; n <= 200; n++) {
      expect(await monitor(`until ${machine.time + 1_000_000n}`)).toContain("stops at");
      expect(await ask("c")).toBe("T02thread:1;");
    }
    expect(machine.steps).toBeGreaterThan(9_000n);
    expect(checkpoints.bytes).toBeLessThanOrEqual(1024 * 1024);
    expect(checkpoints.count).toBeGreaterThan(5);
    expect(checkpoints.count).toBeLessThanOrEqual(40);
    expect(checkpoints.first?.steps).toBe(0n);
    // Near to the present they are as dense as they may be.
    const near = checkpoints.latest(machine.steps);
    expect(machine.steps - (near?.steps ?? 0n)).toBeLessThanOrEqual(100n);
  });
  test("thousands of random packets leave it in order", async () => {
    const { ask, session, machine } = await begin(2);
    const random = randomFrom(11);
    const letters = "?gGpPmMXZzHTcsvqQCSb0123456789abcdef,;:=#$}*-";
    const starts = ["", "vCont;", "Z0,", "z0,", "Z2,", "qXfer:", "qRcmd,", "Qqemu.", "m", "M", "P"];
    for (let n = 0; n < 4000; n++) {
      const rest = Array.from({ length: random(30) }, () => letters[random(letters.length)]);
      await session.handle(latin1(`${starts[random(starts.length)]}${rest.join("")}`));
      for (let k = 0; session.running && k < 3; k++) {
        await session.run(NEVER, 1);
        session.interrupt();
      }
      expect([session.running, session.left]).toEqual([false, null]);
    }
    expect(await ask("qC")).toMatch(/^QC[12]$/);
    expect(machine.crash).toBeNull();
  });
  test("there is an end to the room for breakpoints, and the machine goes on", async () => {
    const { ask } = await begin();
    const answers = [];
    for (let n = 0; n < 140; n++) answers.push(await ask(`Z0,${hex(0x5000 + n)},1`));
    expect(answers.filter((answer) => answer === "OK").length).toBe(128);
    expect(answers.at(-1)).toBe("E1c");
    expect(await ask("s")).toBe("T05thread:1;");
  });
  test("a change in the middle of a turn is in the journal, and its replay ends the same", async () => {
    const { ask, machine, session } = await begin();
    for (let n = 0; n < 11; n++) await ask("s");
    await ask(`P${hex(registerNumber("rcx"))}=0100000001000000`);
    for (let n = 0; n < 7; n++) await ask("s");
    await ask(`M${hex(COUNTER + 64n)},2:beef`);
    const paused = machine.stateHash();
    await ask("bs");
    await ask("s");
    expect(machine.stateHash()).toBe(paused);
    session.leave("detached");
    machine.run({ steps: 4 });
    const { journal } = machine;
    expect(journal.entries.map(({ input }) => input.kind)).toEqual(["debug", "debug"]);
    const guest = { kernel: guestImage(COUNTING) };
    const again = await Machine.replay(journal, { guest });
    again.run({ steps: Number(machine.steps) });
    expect(again.stateHash()).toBe(machine.stateHash());
    expect(again.sim.cpus[0]?.rcx).toBeGreaterThan(0x1_0000_0000n);
  });
  test("all changes at one place are there again when it is come to again", async () => {
    const { ask, machine } = await begin();
    for (let n = 0; n < 11; n++) await ask("s");
    await ask(`P${hex(registerNumber("rcx"))}=0100000001000000`);
    await ask(`P${hex(registerNumber("xmm3"))}=${"a5".repeat(16)}`);
    await ask(`M${hex(COUNTER + 64n)},2:beef`);
    const changed = machine.stateHash();
    await ask("s");
    await ask("bs");
    expect(machine.stateHash()).toBe(changed);
  });
  test("where the kernel is WebAssembly, a step is a turn, and the PC is in the window", async () => {
    const machine = await Machine.create();
    const session = new Session(machine.debugger);
    await session.handle(latin1("s"));
    const { answer } = await session.run(NEVER, 1000);
    expect(answer).toBe("T05thread:1;");
    expect(hex(machine.debugger.cpu(0).rip)).toMatch(/^ffffffff8000/);
  });
});

describe("the server", () => {
  let server: GdbServer;
  let machine: Machine;
  const sockets: Socket[] = [];
  beforeEach(async () => {
    machine = await guestMachine(COUNTING);
    server = await GdbServer.listen(machine, 0);
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  /** What the server sends until it has sent so much, or hangs up. */
  function client(): { socket: Socket; until(length: number): Promise<string> } {
    const socket = connect(server.port, "127.0.0.1");
    sockets.push(socket);
    let text = "";
    let ended = false;
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
    });
    socket.on("close", () => {
      ended = true;
    });
    socket.on("error", () => undefined);
    const until = async (length: number) => {
      for (let n = 0; n < 500 && text.length < length && !ended; n++) {
        await server.run(NEVER, 50);
        await server.rest(2);
      }
      const all = ended ? `${text}(closed)` : text;
      text = "";
      return all;
    };
    return { socket, until };
  }

  test("acknowledges, asks again for what is damaged, and stops acknowledging", async () => {
    const { socket, until } = client();
    socket.write("$qC#b4");
    expect(await until(8)).toBe("+$QC1#c5");
    socket.write("$qC#00");
    expect(await until(1)).toBe("-");
    socket.write("-");
    expect(await until(7)).toBe("$QC1#c5");
    socket.write(packet("QStartNoAckMode"));
    expect(await until(7)).toBe("+$OK#9a");
    socket.write(packet("qC"));
    expect(await until(7)).toBe("$QC1#c5");
  });
  test("refuses a second gdb, and takes another when the first has gone", async () => {
    const first = client();
    first.socket.write(packet("qC"));
    await first.until(8);
    expect(await client().until(1)).toBe("(closed)");
    first.socket.write(packet("D"));
    expect(await first.until(100)).toBe("+$OK#9a(closed)");
    const second = client();
    second.socket.write(packet("qC"));
    expect(await second.until(8)).toBe("+$QC1#c5");
  });
  test("lets the machine stand until gdb comes, stops it at Ctrl-C, and ends it at a kill", async () => {
    expect(await server.run(NEVER, 50)).toBe("condition");
    expect(machine.steps).toBe(0n);
    const { socket, until } = client();
    socket.write(packet("c"));
    await until(1);
    for (let n = 0; n < 20; n++) await server.run(NEVER, 50);
    socket.write(Uint8Array.of(3));
    expect(await until(16)).toBe(new TextDecoder().decode(packet("T02thread:1;")));
    expect(machine.steps).toBeGreaterThan(100n);
    socket.write(packet("k"));
    await until(100);
    expect(server.killed).toBe(true);
  });
  test("survives anything that is sent to it", async () => {
    const random = randomFrom(7);
    const { socket, until } = client();
    for (let n = 0; n < 300; n++) {
      const length = random(40);
      const letters = "?gGpPmMXZzHTcsvqQD0123456789abcdef,;:=#$}*";
      const text = Array.from({ length }, () => letters[random(letters.length)]).join("");
      socket.write(random(2) === 0 ? packet(text.replace(/^[Dk]/, "q")) : latin1(text));
      if (random(10) === 0) socket.write(Uint8Array.of(3));
    }
    await until(200);
    socket.destroy();
    await server.rest(20);
    const next = client();
    next.socket.write(packet("qC"));
    expect(await next.until(8)).toBe("+$QC1#c5");
  });
});
