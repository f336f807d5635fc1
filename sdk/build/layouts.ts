/**
 * A compiler hook that notes where every `@unmanaged` class keeps its fields.
 *
 * The structures of the machine and the kernel are defined once, in AssemblyScript. Their layouts
 * are read off the compiled program, so the typed views in TypeScript cannot disagree with them.
 */
import { Transform } from "assemblyscript/transform";
import type { Layout } from "./views.ts";

/** DecoratorFlags.Unmanaged of the compiler. */
const UNMANAGED = 1 << 4;

/** The little that is used of the compiler's program model, which it doesn't type for plugins. */
interface Member {
  readonly name: string;
  /** A field is a property; what stands among the members is its prototype. */
  readonly instance?: Member | null;
  readonly memoryOffset?: number;
  readonly type?: { toString(): string };
  readonly declaration?: { readonly type?: { readonly range: { toString(): string } } };
}
interface ClassPrototype {
  readonly name: string;
  readonly decoratorFlags: number;
  readonly instances?: Map<
    string,
    { nextMemoryOffset: number; members?: Map<string, Member> }
  > | null;
}
interface Program {
  readonly filesByName: Map<
    string,
    { readonly internalName: string; readonly members?: Map<string, ClassPrototype> | null }
  >;
}

/** A transform class (the compiler makes the instance) that appends what it finds to `classes`. */
export function layoutsInto(classes: Layout[]): typeof Transform {
  return class extends Transform {
    override afterCompile(): void {
      const program = this.program as unknown as Program;
      const seen = new Set<ClassPrototype>(); // imports name the same class again
      const own = [...program.filesByName.values()].filter(
        (file) => !file.internalName.startsWith("~lib/"),
      );
      for (const file of own) for (const element of file.members?.values() ?? []) seen.add(element);
      for (const prototype of seen) classes.push(...layoutsOf(prototype));
      classes.sort((a, b) => (a.name < b.name ? -1 : 1));
    }
  };
}

function layoutsOf(prototype: ClassPrototype): Layout[] {
  if (((prototype.decoratorFlags ?? 0) & UNMANAGED) === 0) return [];
  return [...(prototype.instances?.values() ?? [])].map((instance) => ({
    name: prototype.name,
    size: instance.nextMemoryOffset,
    fields: [...(instance.members?.values() ?? [])].flatMap(describe),
  }));
}

function describe(prototype: Member): Layout["fields"] {
  const member = prototype.instance ?? prototype;
  if (typeof member.memoryOffset !== "number" || member.memoryOffset < 0 || !member.type) return [];
  const type = member.type.toString();
  const declared = member.declaration?.type?.range.toString() ?? type;
  return [{ name: member.name, type, declared, offset: member.memoryOffset }];
}
