/** A tool that says everything louder, and is out of breath for a minute then. */
import { receive, sleep } from "aios";

while (true) {
  const message = await receive();
  message.reply(`ok ${message.text.toUpperCase()}`);
  await sleep(60_000);
}
