import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { advance, advanceTo } from "../../host/testing/clock.ts";
import { lineLevel } from "../../host/testing/records.ts";
import * as Uart from "../../spec/uart.ts";

const { UART_DATA: DATA, UART_IER: IER, UART_IIR: IIR, UART_FCR: FCR, UART_LCR: LCR } = Uart;
const { UART_MCR: MCR, UART_LSR: LSR, UART_MSR: MSR, UART_SCR: SCR } = Uart;
const GSI = 4;
/** Ten bits at 115,200 baud, in ns, rounded up. */
const CHARACTER = 86_806n;

async function create() {
  const machine = await Machine.create({ memory: 4 << 20, start: false });
  const { sim } = machine.core;
  const read = (register: number) => sim.portRead(0x3f8 + register, 1) & 0xff;
  const write = (register: number, value: number) => sim.portWrite(0x3f8 + register, 1, value);
  const receive = (...entries: number[]) => entries.map((entry) => sim.uartReceive(entry));
  const line = () => lineLevel(machine, GSI);
  write(MCR, Uart.UART_MCR_OUT2);
  return { machine, read, write, receive, line };
}

test("after power-on it is empty and quiet, with nothing enabled", async () => {
  const { read } = await create();
  expect([IER, IIR, LSR, MSR].map(read)).toEqual([0, 1, 0x60, 0xb0]);
});

test("a byte reaches the host when its last stop bit has left, and not a nanosecond earlier", async () => {
  const { machine, read, write } = await create();
  write(DATA, 0x41);
  expect(read(LSR)).toBe(0x20); // THR passed it on at once, the shift register has it
  write(DATA, 0x42);
  expect(read(LSR)).toBe(0);
  advanceTo(machine, CHARACTER - 1n);
  expect(machine.consoleBytes).toEqual([]);
  advanceTo(machine, CHARACTER);
  expect(machine.consoleBytes).toEqual([0x41]);
  expect(read(LSR)).toBe(0x20);
  advanceTo(machine, 2n * CHARACTER);
  expect(machine.consoleBytes).toEqual([0x41, 0x42]);
  expect(read(LSR)).toBe(0x60);
});

// Start, data, parity and stop bits of each setting of LCR (data sheet, 8.1).
test.each([
  [0x00, 1, 7],
  [0x03, 1, 10],
  [0x07, 1, 11],
  [0x0b, 1, 11],
  [0x04, 1, 7.5],
  [0x1f, 12, 12],
  [0x03, 0xffff, 10],
])("with LCR %i and divisor %i a character takes %f bits", async (control, divisor, bits) => {
  const { machine, write } = await create();
  write(LCR, 0x80);
  write(DATA, divisor & 0xff);
  write(IER, divisor >> 8);
  write(LCR, control);
  write(DATA, 0xff);
  const exact = (BigInt(bits * 2) * BigInt(divisor) * 1_000_000_000n + 230_399n) / 230_400n;
  advanceTo(machine, exact - 1n);
  expect(machine.consoleBytes).toEqual([]);
  advanceTo(machine, exact);
  expect(machine.consoleBytes).toEqual([(1 << (5 + (control & 3))) - 1]);
});

test("the divisor latch reads back and stands in front of the data and enable registers", async () => {
  const { read, write } = await create();
  write(LCR, 0x83);
  write(DATA, 0x34);
  write(IER, 0x12);
  expect([read(DATA), read(IER), read(LCR)]).toEqual([0x34, 0x12, 0x83]);
  write(LCR, 0x03);
  expect([read(DATA), read(IER)]).toEqual([0, 0]);
});

test("the scratch register keeps a byte; unused bits of IER and MCR read as zero", async () => {
  const { read, write } = await create();
  for (const register of [SCR, IER, MCR]) write(register, 0xff);
  expect([SCR, IER, MCR].map(read)).toEqual([0xff, 0x0f, 0x1f]);
});

test("FIFOs hold 16 bytes; the 18th byte of a burst is lost", async () => {
  const { machine, write } = await create();
  write(FCR, 1);
  for (let byte = 0; byte < 18; byte++) write(DATA, byte);
  advance(machine, 20n * CHARACTER);
  expect(machine.consoleBytes).toEqual([...Array(17).keys()]); // 16 and the one being shifted
});

test("without FIFO a received byte that nobody fetched is overwritten, and LSR says so once", async () => {
  const { read, receive } = await create();
  expect(receive(1, 2)).toEqual([1, 0]);
  expect(read(LSR)).toBe(0x63);
  expect(read(LSR)).toBe(0x61);
  expect(read(DATA)).toBe(2);
  expect(read(LSR)).toBe(0x60);
});

test("a full receiver FIFO keeps its bytes and loses the new one", async () => {
  const { read, write, receive } = await create();
  write(FCR, 1);
  expect(receive(...Array(17).keys())).toEqual([...Array(16).fill(1), 0]);
  expect(read(LSR)).toBe(0x63);
  expect(Array.from({ length: 16 }, () => read(DATA))).toEqual([...Array(16).keys()]);
  expect(read(LSR)).toBe(0x60);
});

test.each([
  [0x01, 1],
  [0x41, 4],
  [0x81, 8],
  [0xc1, 14],
])("FCR %i interrupts at %i bytes and stops below", async (control, trigger) => {
  const { read, write, receive, line } = await create();
  write(FCR, control);
  write(IER, 1);
  for (let count = 1; count < trigger; count++) receive(count);
  expect([read(IIR), line()]).toEqual([0xc1, 0]);
  receive(0);
  expect([read(IIR), line()]).toEqual([0xc4, 1]);
  read(DATA);
  expect([read(IIR), line()]).toEqual([0xc1, 0]);
});

test("four characters' time without traffic, the bytes below the trigger interrupt", async () => {
  const { machine, read, write, receive, line } = await create();
  write(FCR, 0xc1);
  write(IER, 1);
  receive(1, 2);
  advance(machine, 4n * CHARACTER - 1n);
  expect(line()).toBe(0);
  advance(machine, 1n);
  expect([read(IIR), line()]).toEqual([0xcc, 1]);
  read(DATA); // traffic: the time begins again
  expect([read(IIR), line()]).toEqual([0xc1, 0]);
  advance(machine, 4n * CHARACTER);
  expect(read(IIR)).toBe(0xcc);
  read(DATA);
  advance(machine, 8n * CHARACTER);
  expect(read(IIR)).toBe(0xc1);
});

test("the transmitter interrupts when empty: on enabling, after the last byte, until IIR is read", async () => {
  const { machine, read, write, line } = await create();
  write(FCR, 1);
  write(IER, 2);
  expect([line(), read(IIR), read(IIR), line()]).toEqual([1, 0xc2, 0xc1, 0]);
  write(DATA, 1);
  write(DATA, 2);
  read(IIR); // of the first byte, which went on to the shift register at once
  expect(line()).toBe(0);
  advance(machine, CHARACTER);
  expect([line(), read(IIR)]).toEqual([1, 0xc2]);
  write(IER, 0);
  write(IER, 2);
  expect(read(IIR)).toBe(0xc2);
});

test("IIR names the most urgent: line status, data, time-out, transmitter, modem", async () => {
  const { read, write, receive } = await create();
  write(MCR, 0x1f); // loopback changes CTS, DSR, RI, DCD
  write(MCR, 0x08);
  write(IER, 15);
  receive(1, 2);
  const order = [];
  order.push(read(IIR));
  read(LSR);
  order.push(read(IIR));
  read(DATA);
  order.push(read(IIR), read(IIR));
  read(MSR);
  order.push(read(IIR));
  expect(order).toEqual([6, 4, 2, 0, 1]);
});

test("errors travel with their byte to the top of the FIFO, bit 7 of LSR tells of them before", async () => {
  const { read, write, receive } = await create();
  write(FCR, 1);
  write(IER, 4);
  receive(0x41, 0x42 | (Uart.UART_LSR_PARITY << 8), 0x1800);
  expect([read(IIR), read(LSR)]).toEqual([0xc1, 0xe1]);
  read(DATA);
  expect([read(IIR), read(LSR), read(IIR)]).toEqual([0xc6, 0xe5, 0xc1]);
  read(DATA);
  expect(read(LSR)).toBe(0xf9);
  expect(read(LSR)).toBe(0x61);
});

test("changing or clearing the FIFOs empties them", async () => {
  const { machine, read, write, receive } = await create();
  write(FCR, 1);
  receive(1, 2);
  write(FCR, 3);
  expect(read(LSR) & 1).toBe(0);
  receive(3);
  for (const byte of [10, 11, 12]) write(DATA, byte);
  write(FCR, 0);
  expect(read(LSR)).toBe(0x20);
  advance(machine, 9n * CHARACTER);
  expect(machine.consoleBytes).toEqual([10]); // what is being shifted goes on
  write(FCR, 0xc0); // without the enable bit nothing is taken
  expect(read(IIR)).toBe(1);
});

test("loopback: the transmitter feeds the receiver, the modem outputs the inputs", async () => {
  const { machine, read, write, receive } = await create();
  write(MCR, 0x10);
  expect(read(MSR)).toBe(0x0b); // CTS, DSR and DCD went away
  const pairs: [number, number][] = [
    [0x12, 0x11],
    [0x11, 0x23],
    [0x14, 0x42],
    [0x18, 0x8c],
    [0x10, 0x08],
  ];
  for (const [control, status] of pairs) {
    write(MCR, control);
    expect(read(MSR)).toBe(status);
  }
  write(DATA, 0x5a);
  expect(receive(0x33)).toEqual([0]);
  advance(machine, CHARACTER);
  expect([read(LSR), read(DATA), machine.consoleBytes.length]).toEqual([0x61, 0x5a, 0]);
  write(LCR, 0x43); // break
  expect([read(LSR), read(DATA)]).toEqual([0x79, 0]);
});

test("without OUT2 the interrupt does not reach its line", async () => {
  const { write, line } = await create();
  write(IER, 2);
  expect(line()).toBe(1);
  write(MCR, 0);
  expect(line()).toBe(0);
});

test("agrees with a queue: what fits goes out in order and on time, whatever the gaps", async () => {
  const burst = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 2_000_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(burst, { maxLength: 12 }), async (bursts) => {
      const { machine, write } = await create();
      write(FCR, 1);
      const expected: number[] = [];
      let now = 0n;
      let busyUntil = 0n;
      let byte = 0;
      for (const [count, gap] of bursts) {
        for (let index = 0; index < count; index++, byte = (byte + 1) & 0xff) {
          write(DATA, byte);
          const waiting = busyUntil > now ? (busyUntil - now + CHARACTER - 1n) / CHARACTER : 0n;
          if (waiting > 16n) continue; // one in the shift register, 16 in the FIFO
          busyUntil = (busyUntil > now ? busyUntil : now) + CHARACTER;
          expected.push(byte);
        }
        now += BigInt(gap);
        advanceTo(machine, now);
        const out = busyUntil > now ? (busyUntil - now + CHARACTER - 1n) / CHARACTER : 0n;
        expect(machine.consoleBytes).toEqual(expected.slice(0, expected.length - Number(out)));
      }
    }),
    { numRuns: 60 },
  );
});

test("hostile accesses of any width never trap", async () => {
  const { machine } = await create();
  const { sim } = machine.core;
  const access = fc.tuple(
    fc.integer({ min: 0, max: 7 }),
    fc.constantFrom(1, 2, 4),
    fc.integer(),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(access), (accesses) => {
      for (const [register, bytes, value, receives] of accesses) {
        sim.portWrite(0x3f8 + register, bytes, value);
        sim.portRead(0x3f8 + register, bytes);
        if (receives) sim.uartReceive(value);
        machine.run(machine.state.now + 100_000n);
      }
    }),
  );
});
