/**
 * An 8254 that does at every CLK pulse what the data sheet says happens at a CLK pulse, and nothing
 * else: no events, no closed forms. The model's judge.
 */
class ReferenceCounter {
  word = 0x30;
  /** Digits in the counting element's base. */
  element = 0;
  register = 0;
  cycleCount = 0;
  gate = 1;
  out = 1;
  #loadOnClock = false;
  #hasRegister = false;
  #started = false;
  #expired = false;
  #nullCount = true;
  #firstByte: number | null = null;
  #secondRead = false;
  #heldCount: number | null = null;
  #heldStatus: number | null = null;

  get mode(): number {
    const bits = (this.word >> 1) & 7;
    return bits & 2 ? bits & 3 : bits;
  }
  get #base(): number {
    return this.word & 1 ? 10_000 : 0x1_0000;
  }

  program(word: number): void {
    this.word = word & 0x3f;
    this.out = this.mode === 0 ? 0 : 1;
    this.#loadOnClock = this.#hasRegister = this.#started = this.#expired = false;
    this.#nullCount = true;
    this.#firstByte = this.#heldCount = this.#heldStatus = null;
    this.#secondRead = false;
  }

  write(value: number): void {
    const access = this.word >> 4;
    if (access === 3 && this.#firstByte === null) {
      this.#firstByte = value;
      if (this.mode === 0) this.out = 0;
      return;
    }
    let count = value;
    if (access === 2) count = value << 8;
    if (access === 3) count = (value << 8) | (this.#firstByte ?? 0);
    this.#firstByte = null;
    if (this.word & 1) {
      const digits = [...count.toString(16)].map((digit) => Number.parseInt(digit, 16));
      count = digits.reduce((sum, digit) => sum * 10 + digit, 0) % 10_000;
    }
    this.register = count === 0 ? this.#base : count;
    this.#hasRegister = true;
    this.#nullCount = true;
    if (this.mode === 0) this.out = 0;
    if (this.mode === 0 || this.mode === 4) this.#loadOnClock = true;
    if ((this.mode === 2 || this.mode === 3) && !this.#started) this.#loadOnClock = true;
  }

  setGate(level: number): void {
    const rising = level > this.gate;
    this.gate = level;
    if (this.mode === 0 || this.mode === 4) return;
    if (rising && this.#hasRegister) this.#loadOnClock = true;
    if (!level && (this.mode === 2 || this.mode === 3)) this.out = 1;
  }

  #load(): void {
    this.cycleCount = this.register;
    if (this.mode === 2 || this.mode === 3) this.cycleCount = Math.max(2, this.register);
    this.element = this.cycleCount;
    if (this.mode === 3 && this.element % 2 === 1) this.element -= 1;
    this.#nullCount = false;
  }

  #decrement(): void {
    this.element = this.element === 0 ? this.#base - 1 : this.element - 1;
  }

  tick(): void {
    if (this.#loadOnClock) {
      this.#loadOnClock = false;
      this.#started = true;
      this.#expired = false;
      this.#load();
      if (this.mode === 1) this.out = 0;
      else if (this.mode !== 0) this.out = 1;
      return;
    }
    // A strobe lasts one clock, whatever GATE does.
    if (this.mode >= 4 && this.out === 0) this.out = 1;
    if (!this.#started) return;
    const levelGated = this.mode !== 1 && this.mode !== 5;
    if (levelGated && this.gate === 0) return;
    if (this.mode === 0 && this.#firstByte !== null) return;
    if (this.mode === 2) this.#tickRate();
    else if (this.mode === 3) this.#tickSquare();
    else this.#tickOnce();
  }

  #tickRate(): void {
    if (this.element === 1) {
      this.out = 1;
      this.#load();
      return;
    }
    this.#decrement();
    if (this.element === 1) this.out = 0;
  }

  #tickSquare(): void {
    const odd = this.cycleCount % 2 === 1;
    // An odd count stays at zero for one clock while OUT is high.
    const last = this.out === 1 && odd ? 0 : 2;
    if (this.element === last) {
      this.out = 1 - this.out;
      this.#load();
    } else this.element -= 2;
  }

  #tickOnce(): void {
    this.#decrement();
    if (this.element !== 0 || this.#expired) return;
    this.#expired = true;
    this.out = this.mode >= 4 ? 0 : 1;
  }

  #visible(): number {
    const value = this.element % this.#base;
    return this.word & 1 ? Number.parseInt(String(value), 16) : value;
  }

  holdCount(): void {
    this.#heldCount ??= this.#visible();
  }

  holdStatus(): void {
    this.#heldStatus ??= this.out * 128 + (this.#nullCount ? 64 : 0) + this.word;
  }

  read(): number {
    if (this.#heldStatus !== null) {
      const status = this.#heldStatus;
      this.#heldStatus = null;
      return status;
    }
    const value = this.#heldCount ?? this.#visible();
    const access = this.word >> 4;
    if (access === 3) {
      this.#secondRead = !this.#secondRead;
      if (this.#secondRead) return value & 0xff;
    }
    this.#heldCount = null;
    return access === 1 ? value & 0xff : value >> 8;
  }
}

/** Three counters, the control word and the gates. */
export class ReferencePit {
  readonly #counters = [new ReferenceCounter(), new ReferenceCounter(), new ReferenceCounter()];

  constructor() {
    for (const counter of this.#counters) counter.program(0x36);
    this.#at(2).gate = 0;
  }

  #at(index: number): ReferenceCounter {
    const counter = this.#counters[index];
    if (!counter) throw new Error(`no counter ${index}`);
    return counter;
  }

  control(word: number): void {
    const select = word >> 6;
    if (select === 3) {
      this.#counters.forEach((counter, index) => {
        if (!((word >> (index + 1)) & 1)) return;
        if (!(word & 0x20)) counter.holdCount();
        if (!(word & 0x10)) counter.holdStatus();
      });
    } else if ((word & 0x30) === 0) this.#at(select).holdCount();
    else this.#at(select).program(word);
  }

  write(counter: number, value: number): void {
    this.#at(counter).write(value);
  }
  read(counter: number): number {
    return this.#at(counter).read();
  }
  gate(counter: number, level: number): void {
    if (this.#at(counter).gate !== level) this.#at(counter).setGate(level);
  }
  out(counter: number): number {
    return this.#at(counter).out;
  }
  tick(): void {
    for (const counter of this.#counters) counter.tick();
  }
}
