import { args, request } from "aios";

for (const name of args) console.log((await request("greeter", name)).text);
