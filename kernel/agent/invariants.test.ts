/** Each named invariant of agents' lives is broken on purpose, and caught. */
import { expect, test } from "vitest";
import * as Views from "../host/views.generated.ts";
import * as invariants from "../invariant_names.ts";
import { UPGRADE_BEGIN } from "../syscall/modes.ts";
import { type Actor, Life } from "../testing/life-host.ts";

interface Scene {
  readonly life: Life;
  readonly init: Actor;
  readonly parent: Actor;
  readonly child: Actor;
  readonly dead: Actor;
  /** Ends, with two agents of its tree left. */
  readonly dying: Actor;
  readonly upgraded: Actor;
}

async function scene(): Promise<Scene> {
  const life = await Life.create();
  const { init } = life;
  const parent = init.child();
  const child = parent.child();
  const dead = init.child();
  dead.call("AGENT_KILL", dead.self);
  const upgraded = init.child();
  const handle = init.handle(upgraded.id);
  init.call("AGENT_SUSPEND", handle);
  init.call("AGENT_UPGRADE", handle, life.secondImage(init.id), UPGRADE_BEGIN);
  life.settle();
  const dying = init.child();
  dying.child();
  dying.child();
  dying.call("AGENT_KILL", dying.self);
  return { life, init, parent, child, dead, dying, upgraded };
}

const BREAKS: readonly [keyof typeof invariants, string, (scene: Scene) => void][] = [
  [
    "AGENT_TREE_LINKED",
    "a child that its parent doesn't list",
    ({ child }) => {
      child.view.parentAt(0).firstChild = 0;
    },
  ],
  [
    "AGENT_TREE_LINKED",
    "a count of children that is wrong",
    ({ parent }) => {
      parent.view.childCount += 1;
    },
  ],
  [
    "AGENT_TREE_LINKED",
    "a child that is no deeper than its parent",
    ({ parent, child }) => {
      child.view.depth = parent.view.depth;
    },
  ],
  [
    "AGENT_TREE_COUNTED",
    "a tree of another size",
    ({ parent }) => {
      parent.view.treeCount += 1;
    },
  ],
  [
    "AGENT_WORK_LISTED",
    "an agent that says it is in a list and isn't",
    ({ child }) => {
      child.view.workQueued = 1;
    },
  ],
  [
    "AGENT_WORK_LISTED",
    "a list that ends elsewhere than it says",
    (it) => {
      const lists = it.life.world.kernel.cpus[0]?.work ?? 0;
      new Views.WorkList(it.life.world.data, lists + Views.WorkList.size).last = 0;
    },
  ],
  [
    "AGENT_DEAD_HOLDS_NOTHING",
    "a dead agent that still has an address space",
    ({ dead, init }) => {
      dead.view.space = init.view.space;
    },
  ],
  [
    "AGENT_ENDS_COUNTED",
    "an end that waits for one agent too many",
    ({ dying }) => {
      dying.view.treeLeft += 1;
    },
  ],
  [
    "AGENT_KEPT_BY_ONE",
    "what was kept and belongs to nobody",
    ({ upgraded }) => {
      upgraded.view.kept = 0;
    },
  ],
  [
    "IMAGE_REFERENCED",
    "an image with one user too few",
    ({ child }) => {
      child.view.imageAt(0).references -= 1;
    },
  ],
];

test.each(BREAKS)("%s catches %s", async (name, _, breakIt) => {
  const it = await scene();
  expect(it.life.authority.exports.checkInvariants()).toBe(invariants.INVARIANTS_HOLD);
  breakIt(it);
  expect(it.life.authority.exports.checkInvariants()).toBe(invariants[name]);
});

test("every invariant of agents' lives is broken here at least once", () => {
  const named = Object.keys(invariants).filter((name) => /^(AGENT|IMAGE)_/.test(name));
  expect(new Set(BREAKS.map(([name]) => name))).toEqual(new Set(named));
});
