/** Lists of contexts: two pointers, first and last, wherever they are; neighbours in the contexts. */
import { Ptr } from "../state";
import { Schedulable } from "./schedulable";

@unmanaged
class Ends {
  first: Ptr<Schedulable>;
  last: Ptr<Schedulable>;
}

export function listAppend(at: usize, it: Schedulable): void {
  const ends = changetype<Ends>(at);
  it.next = 0;
  it.previous = ends.last;
  if (ends.last == 0) ends.first = changetype<usize>(it);
  else changetype<Schedulable>(ends.last).next = changetype<usize>(it);
  ends.last = changetype<usize>(it);
}

export function listRemove(at: usize, it: Schedulable): void {
  const ends = changetype<Ends>(at);
  if (it.previous == 0) ends.first = it.next;
  else changetype<Schedulable>(it.previous).next = it.next;
  if (it.next == 0) ends.last = it.previous;
  else changetype<Schedulable>(it.next).previous = it.previous;
  it.next = 0;
  it.previous = 0;
}
