/**
 * A pair of 8259As as the data sheet describes them, for comparison: priorities are a list of
 * inputs from most to least urgent, requests and services are sets, nothing is a bit mask.
 */

const SPURIOUS = 7;

export class PicModel {
  readonly lines = new Set<number>();
  requests = new Set<number>();
  services = new Set<number>();
  masked = new Set<number>();
  levelInputs = new Set<number>();
  order = [0, 1, 2, 3, 4, 5, 6, 7];
  specialMask = false;
  autoEnd = false;
  rotateOnAutoEnd = false;
  fullyNested = false;
  showServices = false;
  polled = false;
  readonly master: boolean;

  constructor(master: boolean) {
    this.master = master;
  }

  initialise(icw4: number): void {
    this.services.clear();
    this.masked.clear();
    this.order = [0, 1, 2, 3, 4, 5, 6, 7];
    this.specialMask = false;
    this.rotateOnAutoEnd = false;
    this.showServices = false;
    this.polled = false;
    this.autoEnd = (icw4 & 2) !== 0;
    this.fullyNested = (icw4 & 0x10) !== 0;
    this.requests = new Set([...this.lines].filter((n) => this.levelInputs.has(n)));
  }

  line(input: number, level: boolean): void {
    const rising = level && !this.lines.has(input);
    if (level) this.lines.add(input);
    else this.lines.delete(input);
    if (this.levelInputs.has(input)) {
      if (level) this.requests.add(input);
      else this.requests.delete(input);
    } else if (rising) this.requests.add(input);
  }

  /** The input that an acknowledge would serve now: the first unmasked request in order. */
  get next(): number | undefined {
    for (const input of this.order) {
      if (this.keepsOut(input)) return undefined;
      if (this.requests.has(input) && !this.masked.has(input)) return input;
    }
    return undefined;
  }

  /** In service: no others, itself included, but the more urgent ones. */
  private keepsOut(input: number): boolean {
    if (!this.services.has(input)) return false;
    if (this.specialMask && this.masked.has(input)) return false;
    return !(this.fullyNested && this.master && input === 2);
  }

  serve(input: number): void {
    if (!this.levelInputs.has(input)) this.requests.delete(input);
    if (!this.autoEnd) this.services.add(input);
    else if (this.rotateOnAutoEnd) this.toBottom(input);
  }

  private toBottom(input: number): void {
    while (this.order[7] !== input) this.order.push(this.order.shift() ?? 0);
  }

  command(value: number): void {
    if (value & 8) {
      this.command3(value);
      return;
    }
    const named = value & 7;
    const rotate = (value & 0x80) !== 0;
    const specific = (value & 0x40) !== 0;
    if (value & 0x20) {
      const ends = specific
        ? named
        : this.order.find((n) => this.services.has(n) && !(this.specialMask && this.masked.has(n)));
      if (ends === undefined) return;
      this.services.delete(ends);
      if (rotate) this.toBottom(ends);
    } else if (specific) {
      if (rotate) this.toBottom(named);
    } else this.rotateOnAutoEnd = rotate;
  }

  private command3(value: number): void {
    if (value & 0x40) this.specialMask = (value & 0x20) !== 0;
    if (value & 2) this.showServices = (value & 1) !== 0;
    this.polled = (value & 4) !== 0;
  }

  read(mask: boolean): number {
    if (this.polled) {
      this.polled = false;
      const input = this.next;
      if (input === undefined) return 0;
      this.serve(input);
      return 0x80 | input;
    }
    return bits(mask ? this.masked : this.showServices ? this.services : this.requests);
  }

  acknowledge(): number {
    const input = this.next;
    if (input === undefined) return SPURIOUS;
    this.serve(input);
    return input;
  }
}

const bits = (set: Set<number>) => [...set].reduce((value, n) => value | (1 << n), 0);
const members = (value: number) =>
  new Set([0, 1, 2, 3, 4, 5, 6, 7].filter((n) => (value >> n) & 1));

export class PicPairModel {
  readonly master: PicModel;
  readonly slave: PicModel;

  constructor(master: PicModel, slave: PicModel) {
    this.master = master;
    this.slave = slave;
  }

  private chip(index: number): PicModel {
    return index === 0 ? this.master : this.slave;
  }

  private cascade(): void {
    this.master.line(2, this.slave.next !== undefined);
  }

  get output(): boolean {
    return this.master.next !== undefined;
  }

  line(irq: number, level: boolean): void {
    this.chip(irq >> 3).line(irq & 7, level);
    this.cascade();
  }

  mask(index: number, value: number): void {
    this.chip(index).masked = members(value);
    this.cascade();
  }

  command(index: number, value: number): void {
    this.chip(index).command(value);
    this.cascade();
  }

  levels(index: number, value: number): void {
    const chip = this.chip(index);
    const after = members(value & (index === 0 ? 0xf8 : 0xde));
    for (const input of after) {
      if (chip.levelInputs.has(input)) continue;
      if (chip.lines.has(input)) chip.requests.add(input);
      else chip.requests.delete(input);
    }
    chip.levelInputs = after;
    this.cascade();
  }

  /** Both are initialised one after the other; in between, the slave may still ask. */
  initialise(icw4: number): void {
    this.master.initialise(icw4);
    this.slave.initialise(icw4);
    this.cascade();
  }

  read(port: number): number {
    const value = this.chip(port >> 7).read((port & 1) !== 0);
    this.cascade();
    return value;
  }

  take(): number {
    let vector: number;
    if (this.master.next === 2) {
      this.master.serve(2);
      vector = 0x28 + this.slave.acknowledge();
    } else vector = 0x20 + this.master.acknowledge();
    this.cascade();
    return vector;
  }
}
