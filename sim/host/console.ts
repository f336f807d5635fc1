/** What left the machine's serial ports. */

/** Bytes kept for reading back: the last 16 MiB. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

/** The output of one serial port: how much there was ever, and the end of it. */
export class ConsoleLog {
  private kept: Uint8Array = new Uint8Array(4096);
  private length = 0;
  private dropped = 0;

  /** Bytes that the port sent since power-on. */
  get position(): number {
    return this.dropped + this.length;
  }

  /** What is kept of the output: all of it up to 16 MiB, then at least its last 8 MiB. */
  get bytes(): Uint8Array {
    return this.kept.subarray(0, this.length);
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  push(byte: number): void {
    if (this.length === this.kept.length) this.makeRoom();
    this.kept[this.length] = byte;
    this.length += 1;
  }

  /** Stands where another log stands, as a copy of a machine does. */
  copyFrom(position: number, bytes: Uint8Array): void {
    this.kept = new Uint8Array(Math.max(4096, bytes.length));
    this.kept.set(bytes);
    this.length = bytes.length;
    this.dropped = position - bytes.length;
  }

  private makeRoom(): void {
    if (this.length < KEPT_BYTES_MAX) {
      const larger = new Uint8Array(this.length * 2);
      larger.set(this.kept);
      this.kept = larger;
      return;
    }
    const half = this.length / 2;
    this.kept.copyWithin(0, half);
    this.dropped += half;
    this.length -= half;
  }
}
