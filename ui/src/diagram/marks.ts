// What stands on the nodes of a diagram: numbers of messages by kind.

export interface Numbers {
  queue: number;
  flight: number;
  trash: number;
  tasks: number;
  held: string | null;
}

export type Overlay = 'queue' | 'flight' | 'trash' | 'tasks' | 'held';
export const OVERLAYS: Overlay[] = ['queue', 'flight', 'trash', 'tasks', 'held'];

export interface Mark {
  node: string;
  kind: Overlay;
  text: string;
  about: string;
}

/** The marks of all nodes for the overlays that are on; zeros are left out. */
export function marksOf(
  nodes: Map<string, Numbers>,
  on: ReadonlySet<Overlay>,
  names: Record<Overlay, string>,
): Mark[] {
  const found: Mark[] = [];
  for (const [node, numbers] of nodes) {
    for (const kind of OVERLAYS) {
      if (!on.has(kind)) continue;
      if (kind === 'held') {
        if (numbers.held !== null) found.push({ node, kind, text: names.held, about: numbers.held });
      } else if (numbers[kind] > 0) {
        found.push({ node, kind, text: short(numbers[kind]), about: `${names[kind]}: ${numbers[kind]}` });
      }
    }
  }
  return found;
}

/** A number that fits on a badge. */
export function short(count: number): string {
  if (count < 1000) return String(count);
  if (count < 999_500) return `${Number((count / 1000).toPrecision(3))}k`;
  return `${Number((count / 1_000_000).toPrecision(3))}M`;
}

/** Put numbers together by node. */
export function numbersOf(
  version: number,
  queues: {
    version: number;
    node: string;
    depth: number;
    in_flight: number;
    delayed: number;
    waiting: number;
    held: string | null;
  }[],
  trash: { version: number; node: string }[],
  tasks: { version: number; node: string }[],
): Map<string, Numbers> {
  const found = new Map<string, Numbers>();
  const at = (node: string): Numbers => {
    let numbers = found.get(node);
    if (numbers === undefined) {
      numbers = { queue: 0, flight: 0, trash: 0, tasks: 0, held: null };
      found.set(node, numbers);
    }
    return numbers;
  };
  for (const queue of queues) {
    if (queue.version !== version) continue;
    const numbers = at(queue.node);
    numbers.queue = queue.depth + queue.delayed + queue.waiting;
    numbers.flight = queue.in_flight;
    numbers.held = queue.held;
  }
  for (const message of trash) if (message.version === version) at(message.node).trash += 1;
  for (const task of tasks) if (task.version === version) at(task.node).tasks += 1;
  return found;
}
