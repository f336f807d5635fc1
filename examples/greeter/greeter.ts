import { messages } from "aios";

let greeted = 0;
for await (const message of messages()) {
  message.reply(`hello ${message.text}`);
  console.log(`${++greeted} ${message.text}`);
}
