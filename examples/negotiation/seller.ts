/**
 * Sells to the first who offers what it asks. Its price falls from the first offer on, and not below what it
 * must have.
 */
import { args, Message, now, print, receive } from "../../sdk/assemblyscript/agent";

const MILLISECOND: u64 = 1_000_000;

export function _start(): void {
  const given = args();
  const asks = <f64>parseInt(given[1]);
  const least = <f64>parseInt(given[2]);
  const patience = <u64>parseInt(given[3]) * MILLISECOND;
  let message = receive();
  const begun = now();
  while (true) {
    if (message === null) {
      print("no deal");
      return;
    }
    const words = message.text.split(" ");
    if (words[0] == "leave") {
      print("no deal");
      return;
    }
    const offer = <f64>parseInt(words[1]);
    const passed = <f64>(now() - begun) / <f64>patience;
    const price = Math.ceil(asks - (asks - least) * Math.min(passed, 1));
    if (offer >= price) {
      message.reply("accept " + (<i32>offer).toString());
      print("sold for " + (<i32>offer).toString());
      return;
    }
    message.reply("counter " + (<i32>price).toString());
    message = receive(begun + patience);
  }
}
