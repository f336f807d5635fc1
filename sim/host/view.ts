/** A window on one structure in linear memory: reads and writes go to the machine itself. */
export class View {
  readonly data: DataView;
  /** Linear address of the structure. */
  readonly address: number;

  constructor(data: DataView, address: number) {
    this.data = data;
    this.address = address;
  }
}
