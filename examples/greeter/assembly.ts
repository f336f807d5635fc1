import { print, receive } from "../../sdk/assemblyscript/agent";

export function _start(): void {
  for (let greeted = 1; ; greeted++) {
    const message = receive();
    if (message === null) return;
    message.reply("hello " + message.text);
    print(greeted.toString() + " " + message.text);
  }
}
