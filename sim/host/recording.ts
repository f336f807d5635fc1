/** A DataView that tells of every change, so that writing a field through a typed view is journaled. */

type Change = (at: number, bytes: Uint8Array) => void;

/** Reads go straight to memory; a write is handed to `change` and nothing else happens. */
export class RecordingDataView extends (DataView as new (buffer: ArrayBuffer) => DataView) {
  private readonly change: Change;
  private readonly scratch = new DataView(new ArrayBuffer(8));

  constructor(buffer: ArrayBuffer, change: Change) {
    super(buffer);
    this.change = change;
  }

  private note(at: number, bytes: number): void {
    this.change(at, new Uint8Array(this.scratch.buffer.slice(0, bytes)));
  }

  override setUint8(at: number, value: number): void {
    this.scratch.setUint8(0, value);
    this.note(at, 1);
  }
  override setInt8(at: number, value: number): void {
    this.setUint8(at, value);
  }
  override setUint16(at: number, value: number, little?: boolean): void {
    this.scratch.setUint16(0, value, little);
    this.note(at, 2);
  }
  override setInt16(at: number, value: number, little?: boolean): void {
    this.setUint16(at, value, little);
  }
  override setUint32(at: number, value: number, little?: boolean): void {
    this.scratch.setUint32(0, value, little);
    this.note(at, 4);
  }
  override setInt32(at: number, value: number, little?: boolean): void {
    this.setUint32(at, value, little);
  }
  override setBigUint64(at: number, value: bigint, little?: boolean): void {
    this.scratch.setBigUint64(0, value, little);
    this.note(at, 8);
  }
  override setBigInt64(at: number, value: bigint, little?: boolean): void {
    this.setBigUint64(at, value, little);
  }
  override setFloat32(at: number, value: number, little?: boolean): void {
    this.scratch.setFloat32(0, value, little);
    this.note(at, 4);
  }
  override setFloat64(at: number, value: number, little?: boolean): void {
    this.scratch.setFloat64(0, value, little);
    this.note(at, 8);
  }
}
